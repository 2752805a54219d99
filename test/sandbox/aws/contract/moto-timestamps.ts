import { HttpServer, readBody, serve } from '../../../../sandbox/http-server';

/**
 * moto answers CodeBuild's times as ISO text. AWS JSON has seconds since the epoch, and the SDK reads nothing else:
 * https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html ("expressed in Unix time format").
 */
export function withUnixTimes(url: string): Promise<HttpServer> {
  return serve(async (request, response) => {
    const { 'x-amz-target': target = '', authorization = '' } = request.headers;
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': String(target), authorization };
    const answer = await fetch(
      `${url}${request.url ?? '/'}`,
      { method: request.method, headers, body: new Uint8Array(await readBody(request)) },
    );
    const body = (await answer.text()).replace(/"((?:start|end)Time)": ?"([^"]+)"/g, (_match, name: string, time: string) => `"${name}":${Date.parse(time) / 1000}`);
    response.writeHead(answer.status, {
      'content-type': 'application/x-amz-json-1.1',
      'x-amzn-errortype': answer.headers.get('x-amzn-errortype') ?? '',
    }).end(body);
  });
}
