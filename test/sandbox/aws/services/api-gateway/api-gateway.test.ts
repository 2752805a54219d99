import { Stack } from 'aws-cdk-lib';
import { CfnStage, HttpApi, HttpMethod, HttpRoute, HttpRouteKey, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { CfnPermission, Code, Function, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { LocalCloud } from '../../../../../sandbox/aws/cloud';
import { Workspace } from '../../testing';

const SOURCE = `exports.handler = async event => {
  if (event.body === 'fail') { throw new Error('broken'); }
  if (event.body === 'object') { return { statusCode: 200, body: {} }; }
  return { statusCode: 200, body: event.routeKey + ' ' + event.rawPath };
};`;

describe('an HTTP API', () => {
  const workspace = new Workspace();
  let cloud: LocalCloud;
  let open: string;
  let logGroup: string;
  let closed: string;
  let throttled: string;

  function define(
    stack: Stack,
    id: string,
    source: Function,
    throttle?: { rateLimit: number; burstLimit: number },
  ): HttpApi {
    const api = new HttpApi(stack, id, { createDefaultStage: false });
    api.addRoutes({
      path: '/packages',
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration('Integration', source),
    });
    new HttpStage(stack, `${id}Stage`, { httpApi: api, autoDeploy: true, throttle });
    return api;
  }

  beforeAll(async () => {
    cloud = await LocalCloud.start();
    const assembly = workspace.synth(target => {
      const handler = new Function(target, 'Function', {
        runtime: Runtime.NODEJS_24_X,
        handler: 'index.handler',
        code: Code.fromAsset(workspace.code('api', { 'index.js': SOURCE })),
      });
      const api = define(target, 'Open', handler);
      new HttpRoute(
        target,
        'Default',
        { httpApi: api, routeKey: HttpRouteKey.DEFAULT, integration: new HttpLambdaIntegration('Other', handler) },
      );
      const stage = target.node.findChild('OpenStage').node.defaultChild;
      if (stage instanceof CfnStage) {
        stage.accessLogSettings = {
          destinationArn: new LogGroup(target, 'Access').logGroupArn,
          format: JSON.stringify({
            id: '$context.requestId',
            route: '$context.routeKey',
            status: '$context.status',
            error: '$context.integrationErrorMessage',
          }),
        };
      }
      define(target, 'Throttled', handler, { rateLimit: 1, burstLimit: 2 });
      define(target, 'Closed', handler)
        .node.findAll()
        .filter(child => child instanceof CfnPermission)
        .forEach(permission => { permission.sourceArn = 'arn:aws:execute-api:eu-west-1:111122223333:other/*'; });
    });
    const stack = await cloud.deploy({ assembly });
    const url = (id: string): string => cloud.resolveUrl(`https://${stack.byType('AWS::ApiGatewayV2::Api').find(api => api.logicalId.startsWith(id))?.physicalId}.execute-api.eu-west-1.amazonaws.com/`).replace(/\/$/, '');
    [open, closed, throttled] = ['Open', 'Closed', 'Throttled'].map(url) as [string, string, string];
    logGroup = stack.byType('AWS::Logs::LogGroup')[0]?.physicalId ?? '';
  });
  afterAll(async () => {
    await cloud.close();
    workspace.remove();
  });

  const post = async (url: string, body = 'x', type = 'text/plain'): Promise<[number, string]> => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body });
    return [response.status, await response.text()];
  };

  test.each([
    ['POST', '/packages', 'POST /packages /packages'],
    ['GET', '/packages', '$default /packages'],
    ['GET', '/other?x=1', '$default /other'],
  ])('routes %s %s', async (method, path, expected) => {
    const response = await fetch(open + path, { method });
    expect([response.status, await response.text()]).toEqual([200, expected]);
    expect(response.headers.get('apigw-requestid')).toMatch(/^\w+$/);
  });

  test.each(['fail', 'object'])('fails with 500 and tells nothing when the function answers badly (%s)', async body => {
    expect(await post(`${open}/packages`, body)).toEqual([500, '{"message":"Internal Server Error"}']);
  });

  test('fails with 500 without a permission to invoke the function', async () => {
    expect(await post(`${closed}/packages`)).toEqual([500, '{"message":"Internal Server Error"}']);
    expect(cloud.iamReport().denials).toContainEqual(
      expect.objectContaining({ principal: 'apigateway.amazonaws.com', action: 'lambda:InvokeFunction' }),
    );
  });

  test('fails with 413 over 10 MB', async () => {
    expect(await post(`${open}/packages`, 'x'.repeat(10 * 1024 * 1024 + 1)))
      .toEqual([413, '{"message":"Request Entity Too Large"}']);
  });

  test('fails with 429 beyond the stage\'s throttle, until time passes', async () => {
    const statuses: number[] = [];
    for (let request = 0; request < 3; request++) { statuses.push((await post(`${throttled}/packages`))[0]); }
    expect(statuses).toEqual([200, 200, 429]);
    cloud.clock.advance(1000);
    expect((await post(`${throttled}/packages`))[0]).toBe(200);
  });

  test('writes each request into the access log', async () => {
    await post(`${open}/packages`, 'fail');
    const lines = cloud.logs(logGroup).map(event => event.message);
    expect(lines).toContainEqual(expect.stringMatching(/^\{"id":"\w+","route":"POST \/packages","status":"200","error":"-"\}$/));
    expect(lines).toContainEqual(expect.stringContaining('"status":"500","error":"The Lambda function returned the '
      + 'following error: {"errorType":"Error"'));
  });
});
