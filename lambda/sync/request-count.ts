/** Requests that the program sends itself, by the API that gets them; those that are tried again count again. */
export class RequestCount {
  public readonly counts: Record<string, number> = {};

  public add(api: string): void {
    this.counts[api] = (this.counts[api] ?? 0) + 1;
  }

  /** Counts what an SDK client sends. */
  public ofClient<T extends Client>(api: string, client: T): T {
    const { requestHandler } = client.config;
    const handle = requestHandler.handle.bind(requestHandler);
    // The last step before the network: what the SDK tries again passes here each time.
    requestHandler.handle = (...args) => {
      this.add(api);
      return handle(...args);
    };
    return client;
  }
}

interface Client {
  readonly config: { readonly requestHandler: { handle: (...args: never[]) => unknown } };
}
