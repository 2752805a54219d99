import { HttpApi } from './api';
import { parseIntegration, parseRoute, parseStage } from './model';
import { CoreContext } from '../../core/context';
import { onlyKeys, optionalRecord, string } from '../../core/json';
import { randomText, urlSuffix } from '../../core/naming';
import { Resource, ResourceProvider, ResourceRequest, ServiceModule } from '../../core/service';

export interface ApiGatewayOptions {
  /**
   * `always` sends every body in base64, as the gateway does for types that it doesn't take for text.
   *
   * @default 'auto'
   */
  readonly base64?: 'auto' | 'always';
}

export interface ApiGateway extends ServiceModule {
  readonly apis: ReadonlyMap<string, HttpApi>;
}

/** HTTP APIs: each listens on a loopback port of its own. `cloud.resolveUrl` leads from its public URL there. */
export function createApiGateway(context: CoreContext, options: ApiGatewayOptions = {}): ApiGateway {
  const apis = new Map<string, HttpApi>();
  const find = (id: unknown): HttpApi => {
    const api = apis.get(string(id, 'ApiId'));
    if (!api) { throw new Error(`NotFoundException: Invalid API identifier specified ${String(id)}`); }
    return api;
  };
  const draw = (): string => randomText(context.random, 10, 'abcdefghijklmnopqrstuvwxyz0123456789');
  return {
    apis,
    providers: [
      apiProvider(context, apis, draw, options),
      part('AWS::ApiGatewayV2::Integration', [
        'ApiId', 'IntegrationType', 'IntegrationUri', 'PayloadFormatVersion', 'TimeoutInMillis', 'Description',
        'IntegrationMethod', 'ConnectionType',
      ], draw, find, {
        put: (api, id, properties) => { api.integrations.set(id, parseIntegration(id, properties)); },
        remove: (api, id) => { api.integrations.delete(id); },
      }),
      part('AWS::ApiGatewayV2::Route', ['ApiId', 'RouteKey', 'Target', 'AuthorizationType'], draw, find, {
        put: (api, id, properties) => { api.putRoute(id, parseRoute(properties)); },
        remove: (api, id) => { api.routes.delete(id); },
      }),
      part('AWS::ApiGatewayV2::Stage', [
        'ApiId', 'StageName', 'AutoDeploy', 'AccessLogSettings', 'DefaultRouteSettings', 'RouteSettings', 'Description',
        'Tags',
      ], properties => string(properties.StageName, 'StageName'), find, {
        put: (api, id, properties) => {
          if (properties.AutoDeploy !== true && properties.AutoDeploy !== 'true') {
            throw new Error('a stage without AutoDeploy serves nothing, and deployments aren\'t modelled; '
              + 'add them in sandbox/aws/services/api-gateway/api-gateway.ts');
          }
          const stage = parseStage(properties, () => context.clock.now());
          [...stage.routeThrottles.keys()].forEach(key => api.requireRoute(key));
          api.stages.set(id, stage);
        },
        remove: (api, id) => { api.stages.delete(id); },
      }),
    ],
    close: async () => { await Promise.all([...apis.values()].map(api => api.close())); },
  };
}

function apiProvider(
  context: CoreContext,
  apis: Map<string, HttpApi>,
  draw: () => string,
  options: ApiGatewayOptions,
): ResourceProvider {
  return {
    type: 'AWS::ApiGatewayV2::Api',
    properties: ['Name', 'ProtocolType', 'Description', 'DisableExecuteApiEndpoint', 'Tags', 'CorsConfiguration'],
    create: async request => {
      checkApi(request);
      const id = draw();
      const domainName = `${id}.execute-api.${context.region}.${urlSuffix(context.partition)}`;
      const api = new HttpApi(context, id, domainName, options.base64 === 'always');
      const url = await api.listen();
      apis.set(id, api);
      context.aliases.set(domainName, url);
      // The endpoint is named by the address that answers here; in AWS it is `https://` and the domain name,
      // which `cloud.resolveUrl` takes too.
      return { physicalId: id, attributes: { ApiId: id, ApiEndpoint: url } };
    },
    update: (request, previous) => {
      checkApi(request);
      return previous;
    },
    delete: async resource => {
      const api = apis.get(resource.physicalId);
      if (api) { context.aliases.delete(api.domainName); }
      apis.delete(resource.physicalId);
      await api?.close();
    },
  };
}

function checkApi({ properties, logicalId }: ResourceRequest): void {
  if (properties.ProtocolType !== 'HTTP') {
    throw new Error(`${logicalId}: ProtocolType ${String(properties.ProtocolType)} isn't modelled (HTTP is); `
      + 'add it in sandbox/aws/services/api-gateway/api-gateway.ts');
  }
  onlyKeys(
    optionalRecord(properties.CorsConfiguration, 'CorsConfiguration'),
    [],
    'CorsConfiguration',
    'services/api-gateway/api-gateway.ts',
  );
  if (properties.DisableExecuteApiEndpoint === true) {
    throw new Error(`${logicalId}: DisableExecuteApiEndpoint needs a custom domain, which isn't modelled`);
  }
}

interface Part {
  put(api: HttpApi, id: string, properties: Record<string, unknown>): void;
  remove(api: HttpApi, id: string): void;
}

/** A resource that is a part of an API. */
function part(
  type: string,
  properties: readonly string[],
  draw: (properties: Record<string, unknown>) => string,
  find: (id: unknown) => HttpApi,
  { put, remove }: Part,
): ResourceProvider {
  const place = (request: ResourceRequest, id: string): Resource => {
    put(find(request.properties.ApiId), id, request.properties);
    return { physicalId: id, attributes: {} };
  };
  return {
    type,
    properties,
    create: request => place(request, draw(request.properties)),
    update: (request, previous, before) => before.ApiId === request.properties.ApiId
      && before.StageName === request.properties.StageName
      ? place(request, previous.physicalId)
      : place(request, draw(request.properties)),
    delete: (resource, request) => remove(find(request.properties.ApiId), resource.physicalId),
  };
}
