import type { Queue, QueueAttributes } from './queue';
import type { QueueTable } from './table';
import { Fields, propertiesOf } from '../../core/fields';
import { physicalName } from '../../core/naming';
import type { CloudContext, Resource, ResourceProvider, ResourceRequest } from '../../core/service';

const QUEUE = 'AWS::SQS::Queue';
const QUEUE_POLICY = 'AWS::SQS::QueuePolicy';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html (FIFO properties are refused) */
export function queueProvider(context: CloudContext, queues: QueueTable): ResourceProvider {
  return {
    type: QUEUE,
    properties: [
      'QueueName', 'DelaySeconds', 'MaximumMessageSize', 'MessageRetentionPeriod', 'ReceiveMessageWaitTimeSeconds',
      'VisibilityTimeout', 'KmsMasterKeyId', 'KmsDataKeyReusePeriodSeconds', 'SqsManagedSseEnabled', 'RedrivePolicy',
      'RedriveAllowPolicy', 'Tags',
    ],
    create: request => {
      const fields = propertiesOf(QUEUE, request.logicalId, request.properties);
      const name = fields.optionalText('QueueName') ?? physicalName(context, request, 80);
      if (!/^[A-Za-z0-9_-]{1,80}$/.test(name)) { throw fields.fail('QueueName', `must be 1-80 letters, digits, hyphens or underscores, got '${name}'`); }
      const attributes = parseAttributes(fields);
      checkRedrive(fields, queues, attributes, queues.arn(name));
      return resourceOf(queues.create(name, attributes));
    },
    update: (request, previous) => {
      const fields = propertiesOf(QUEUE, request.logicalId, request.properties);
      const queue = existing(queues, previous);
      if (fields.has('QueueName') && fields.text('QueueName') !== queue.name) {
        throw fields.fail('QueueName', `can't change from '${queue.name}': the local cloud doesn't replace queues`);
      }
      const attributes = parseAttributes(fields);
      checkRedrive(fields, queues, attributes, queue.arn);
      // Properties that left the template go back to their defaults.
      queues.reset(queue, attributes);
      return resourceOf(queue);
    },
    delete: resource => {
      const queue = queues.byUrl(resource.physicalId);
      if (queue) { queues.remove(queue); }
    },
  };
}

export function queuePolicyProvider(queues: QueueTable): ResourceProvider {
  const put = (request: ResourceRequest): Resource => {
    const fields = propertiesOf(QUEUE_POLICY, request.logicalId, request.properties);
    const document = fields.require('PolicyDocument', fields.record('PolicyDocument'));
    for (const url of fields.require('Queues', fields.texts('Queues'))) {
      const queue = queues.byUrl(url);
      if (!queue) { throw fields.fail('Queues', `names ${url}, which is not a queue of this account`); }
      queue.policy = document;
    }
    return { physicalId: request.logicalId, attributes: { Id: request.logicalId } };
  };
  return {
    type: QUEUE_POLICY,
    properties: ['PolicyDocument', 'Queues'],
    create: put,
    update: put,
    delete: (_resource, request) => {
      const urls = Array.isArray(request.properties.Queues) ? request.properties.Queues : [];
      urls.map(url => queues.byUrl(String(url))).forEach(queue => { if (queue) { queue.policy = undefined; } });
    },
  };
}

function parseAttributes(fields: Fields): Partial<QueueAttributes> {
  const redrive = fields.object('RedrivePolicy');
  const allow = fields.object('RedriveAllowPolicy');
  return defined({
    delaySeconds: fields.integer('DelaySeconds', 0, 900),
    maximumMessageSize: fields.integer('MaximumMessageSize', 1024, 1_048_576),
    messageRetentionPeriod: fields.integer('MessageRetentionPeriod', 60, 1_209_600),
    receiveMessageWaitTimeSeconds: fields.integer('ReceiveMessageWaitTimeSeconds', 0, 20),
    visibilityTimeout: fields.integer('VisibilityTimeout', 0, 43_200),
    kmsMasterKeyId: fields.optionalText('KmsMasterKeyId'),
    kmsDataKeyReusePeriodSeconds: fields.integer('KmsDataKeyReusePeriodSeconds', 60, 86_400),
    sqsManagedSseEnabled: fields.flag('SqsManagedSseEnabled'),
    redrivePolicy: redrive && {
      deadLetterTargetArn: redrive.only('deadLetterTargetArn', 'maxReceiveCount').text('deadLetterTargetArn'),
      maxReceiveCount: redrive.require('maxReceiveCount', redrive.integer('maxReceiveCount', 1, 1000)),
    },
    redriveAllowPolicy: allow && {
      redrivePermission: allow.only('redrivePermission', 'sourceQueueArns')
        .choice('redrivePermission', ['allowAll', 'denyAll', 'byQueue']),
      sourceQueueArns: allow.texts('sourceQueueArns'),
    },
  });
}

/** SQS refuses a dead-letter queue that isn't there or that doesn't let this queue in. */
function checkRedrive(fields: Fields, queues: QueueTable, attributes: Partial<QueueAttributes>, arn: string): void {
  const target = attributes.redrivePolicy?.deadLetterTargetArn;
  if (target === undefined) { return; }
  const queue = queues.find(target);
  if (!queue) { throw fields.fail('RedrivePolicy', `is invalid: dead letter target ${target} does not exist`); }
  const allow = queue.attributes.redriveAllowPolicy;
  const allowed = allow === undefined
    || allow.redrivePermission === 'allowAll'
    || (allow.redrivePermission === 'byQueue' && allow.sourceQueueArns?.includes(arn));
  if (!allowed) {
    throw fields.fail(
      'RedrivePolicy',
      `is invalid: ${target} does not allow ${arn} to use it as dead-letter queue (RedriveAllowPolicy)`,
    );
  }
}

function resourceOf(queue: Queue): Resource {
  return { physicalId: queue.url, attributes: { Arn: queue.arn, QueueName: queue.name, QueueUrl: queue.url } };
}

function existing(queues: QueueTable, resource: Resource): Queue {
  const queue = queues.byUrl(resource.physicalId);
  if (!queue) { throw new Error(`${QUEUE} ${resource.physicalId} does not exist.`); }
  return queue;
}

function defined<T extends object>(record: T): Partial<T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Partial<T>;
}
