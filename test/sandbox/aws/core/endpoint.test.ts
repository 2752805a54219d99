import { GetQueueUrlCommand, ListQueuesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { LocalCloud } from '../../../../sandbox/aws/cloud';
import { awsFault } from '../../../../sandbox/aws/core/endpoint';
import { CloudEvent } from '../../../../sandbox/aws/core/service';
import { Faults } from '../../../../sandbox/faults';

const ROLE = 'arn:aws:iam::111122223333:role/worker';
const SEND = {
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: ['sqs:SendMessage', 'sqs:GetQueueUrl'], Resource: 'arn:aws:sqs:*:*:jobs' },
};

describe('the endpoint', () => {
  const events: CloudEvent[] = [];
  const clients: SQSClient[] = [];
  let cloud: LocalCloud;
  let environment: Record<string, string>;
  beforeAll(async () => {
    cloud = await LocalCloud.start({ faults: new Faults() });
    cloud.onEvent(event => events.push(event));
    const role = { arn: ROLE, name: 'worker', logicalId: 'Worker', trust: [], policies: new Map() };
    cloud.iam.roles.set(ROLE, role);
    cloud.iam.setPolicy(role, 'Default', SEND);
    environment = cloud.processEnvironment(ROLE, 'session');
    cloud.services.sqs.queues.create('jobs');
  });
  afterAll(async () => {
    clients.forEach(made => made.destroy());
    await cloud.close();
  });
  function client(more: { secret?: string; region?: string; attempts?: number } = {}): SQSClient {
    const made = new SQSClient({
      endpoint: environment.AWS_ENDPOINT_URL,
      region: more.region ?? 'eu-west-1',
      maxAttempts: more.attempts ?? 1,
      credentials: {
        accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
        secretAccessKey: more.secret ?? environment.AWS_SECRET_ACCESS_KEY ?? '',
        sessionToken: environment.AWS_SESSION_TOKEN,
      },
    });
    clients.push(made);
    return made;
  }
  const send = (queue = 'jobs'): SendMessageCommand =>
    new SendMessageCommand({ QueueUrl: `${cloud.endpointUrl}/111122223333/${queue}`, MessageBody: 'x' });
  test('answers a signed call of a role that may', async () => {
    expect(await client().send(send())).toMatchObject({ MessageId: expect.any(String), $metadata: { requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) } });
  });
  test('fails as AWS does for a role that may not', async () => {
    await expect(client().send(send('other'))).rejects.toMatchObject({
      message: 'User: arn:aws:sts::111122223333:assumed-role/worker/session is not authorized to perform: '
        + 'sqs:SendMessage on resource: arn:aws:sqs:eu-west-1:111122223333:other because no identity-based policy '
        + 'allows the sqs:SendMessage action',
    });
  });
  test('fails with a wrong secret', async () => {
    await expect(client({ secret: 'wrong' }).send(send())).rejects.toMatchObject({ name: 'InvalidSignatureException' });
  });
  test('fails in another region', async () => {
    await expect(client({ region: 'us-east-1' }).send(send()))
      .rejects.toThrow('Credential should be scoped to a valid region');
  });
  test('fails without a signature', async () => {
    const response = await fetch(
      cloud.endpointUrl,
      { method: 'POST', headers: { 'x-amz-target': 'AmazonSQS.SendMessage' }, body: '{}' },
    );
    expect([response.status, await response.json()])
      .toEqual([403, { __type: 'MissingAuthenticationTokenException', message: 'Missing Authentication Token' }]);
  });
  test('fails an operation that nobody implements, loudly', async () => {
    await expect(client().send(new ListQueuesCommand({}))).rejects.toBeDefined();
    expect(events)
      .toContainEqual(expect.objectContaining({ source: 'aws', kind: 'refused', resource: 'AmazonSQS.ListQueues' }));
  });
  test('gives errors their name', async () => {
    const role = cloud.iam.role(ROLE);
    cloud.iam.setPolicy(role, 'More', {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'sqs:GetQueueUrl', Resource: '*' },
    });
    await expect(client().send(new GetQueueUrlCommand({ QueueName: 'nowhere' })))
      .rejects.toMatchObject({ name: 'QueueDoesNotExist' });
  });
  test('injects faults by operation, which the SDK takes for the service\'s own', async () => {
    cloud.faults.add({ operation: 'SendMessage', fault: awsFault('ThrottlingException', 'Rate exceeded') });
    await expect(client().send(send())).rejects.toMatchObject({ name: 'ThrottlingException' });
    cloud.faults.add({ operation: 'SendMessage', fault: awsFault('ThrottlingException', 'Rate exceeded') });
    await expect(client({ attempts: 2 }).send(send())).resolves.toBeDefined();
  });
});
