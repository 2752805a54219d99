import { HttpServer, readBody, sendJson, serve } from '../../../sandbox/http-server';

export type Input = Readonly<Record<string, unknown>>;

/** What AWS answers instead of an output. */
export class AwsFailure extends Error {
  constructor(public readonly code: string, message = `${code} happened`, public readonly status = 400) {
    super(message);
  }
}

/** Answers of operations, by the part of X-Amz-Target behind the dot. Throw an `AwsFailure` to refuse. */
export type Operations = Readonly<Record<string, (input: Input) => object>>;

export interface AwsStandIn extends HttpServer {
  /** Every call that arrived, in order. */
  readonly calls: { readonly operation: string; readonly input: Input }[];
  /** Settings for an SDK client that calls this stand-in. */
  readonly client: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
    maxAttempts: number;
  };
}

/** Speaks AWS JSON on loopback. It knows no service: a test says what each operation answers. */
export async function startAws(operations: Operations): Promise<AwsStandIn> {
  const calls: AwsStandIn['calls'] = [];
  const server = await serve(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.')[1];
    const input = JSON.parse((await readBody(request)).toString()) as Input;
    calls.push({ operation, input });
    try {
      const handle = operations[operation];
      if (handle === undefined) {
        throw new AwsFailure('UnknownOperationException', `this test expects no ${operation}`);
      }
      sendJson(response, 200, handle(input));
    } catch (error) {
      if (!(error instanceof AwsFailure)) { throw error; }
      sendJson(response, error.status, { __type: error.code, message: error.message });
    }
  });
  const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example' };
  return { ...server, calls, client: { endpoint: server.url, region: 'eu-central-1', credentials, maxAttempts: 1 } };
}
