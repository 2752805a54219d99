import { MAXIMUM_BYTES } from './message';
import { Queue, QueueAttributes, QueueBehaviour } from './queue';
import { Fields } from '../../core/fields';
import { urlSuffix } from '../../core/naming';
import { AwsError, CloudContext, Input, RequiredPermission } from '../../core/service';

const DEFAULTS: QueueAttributes = {
  delaySeconds: 0,
  maximumMessageSize: MAXIMUM_BYTES,
  messageRetentionPeriod: 345_600,
  receiveMessageWaitTimeSeconds: 0,
  visibilityTimeout: 30,
  sqsManagedSseEnabled: true,
};

/** The account's queues. */
export class QueueTable {
  private readonly queues = new Map<string, Queue>();

  public constructor(private readonly context: CloudContext, private readonly behaviour: QueueBehaviour) {}

  public create(name: string, attributes: Partial<QueueAttributes> = {}): Queue {
    const { account, region, partition, clock } = this.context;
    const arn = `arn:${partition}:sqs:${region}:${account}:${name}`;
    if (this.queues.has(arn)) {
      throw new AwsError('QueueNameExists', `A queue already exists with the same name: ${name}`);
    }
    const url = `https://sqs.${region}.${urlSuffix(partition)}/${account}/${name}`;
    const queue = new Queue(
      name,
      arn,
      url,
      { ...DEFAULTS, ...attributes },
      clock.now(),
      this.context,
      this.behaviour,
      target => this.find(target),
    );
    this.queues.set(arn, queue);
    return queue;
  }

  public reset(queue: Queue, attributes: Partial<QueueAttributes>): void {
    queue.attributes = { ...DEFAULTS, ...attributes };
    queue.wake();
  }

  public remove(queue: Queue): void {
    this.queues.delete(queue.arn);
    queue.close();
  }

  public all(): Queue[] {
    return [...this.queues.values()];
  }

  /** Queues that are nobody's dead-letter queue. */
  public sources(): Queue[] {
    const targets = new Set(this.all().map(queue => queue.attributes.redrivePolicy?.deadLetterTargetArn));
    return this.all().filter(queue => !targets.has(queue.arn));
  }

  public find(arn: string): Queue | undefined {
    return this.queues.get(arn);
  }

  public byUrl(url: string): Queue | undefined {
    return this.find(this.arnOf(url));
  }

  /** The queue of a request. The host of its URL doesn't matter: SDKs send it to whatever endpoint they are given. */
  public get(input: Input): Queue {
    const queue = this.byUrl(fieldsOf(input).text('QueueUrl'));
    if (!queue) { throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.'); }
    return queue;
  }

  public arnOf(url: unknown): string {
    const match = typeof url === 'string' ? /^https?:\/\/[^/]+\/(\d{12})\/([A-Za-z0-9_.-]{1,80})$/.exec(url) : null;
    if (!match) {
      throw new AwsError('InvalidAddress', `The address ${String(url)} is not valid for this endpoint.`, 404);
    }
    return this.arn(match[2], match[1]);
  }

  public arn(name: string, account = this.context.account): string {
    return `arn:${this.context.partition}:sqs:${this.context.region}:${account}:${name}`;
  }

  /**
   * The action on the queue, and what a customer's key needs for it. A batch needs the same
   * permission as a single message.
   */
  public permissions(action: string, kms: readonly string[] = []): (input: Input) => RequiredPermission[] {
    return input => {
      const resource = this.arnOf(fieldsOf(input).text('QueueUrl'));
      const key = this.find(resource)?.attributes.kmsMasterKeyId;
      // AWS managed keys (alias/aws/sqs) let every principal of the account through that may use the queue.
      const keyPermissions = key?.startsWith('arn:') && !key.includes(':alias/aws/')
        ? kms.map(kmsAction => ({
          action: kmsAction,
          resource: key,
          context: { 'kms:ViaService': `sqs.${this.context.region}.${urlSuffix(this.context.partition)}` },
        }))
        : [];
      return [{ action, resource }, ...keyPermissions];
    };
  }
}

export function fieldsOf(input: Input): Fields {
  return new Fields(input, (name, problem) => problem === 'is required'
    ? new AwsError('MissingParameter', `The request must contain the parameter ${name}.`)
    : new AwsError('InvalidParameterValue', `Value for parameter ${name} is invalid. Reason: it ${problem}.`));
}
