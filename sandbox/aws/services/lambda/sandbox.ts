import { ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { isRecord } from '../../core/json';

export interface SandboxOptions {
  readonly nodeBinary: string;
  readonly nodeArguments: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Told of each line of output as it comes. */
  onLine(line: string): void;
}

export interface SandboxInvocation {
  readonly requestId: string;
  readonly payload: string;
  readonly arn: string;
  readonly traceId: string;
  readonly timeoutMs: number;
  readonly aliases: Readonly<Record<string, string>>;
}

/** How an invocation ended inside of the process. */
export type SandboxResult =
  | { readonly kind: 'result' | 'error'; readonly payload: string }
  | { readonly kind: 'timeout' }
  /** The process ended without an answer. */
  | { readonly kind: 'exit'; readonly reason: string };

const NONCE = 'end-of-invocation';

/** One execution environment: a process that handles one invocation at a time. */
export class Sandbox {
  public dead = false;
  private readonly child: ChildProcess;
  private readonly exited: Promise<string>;
  /** Settles with the result of loading the handler. */
  private readonly ready: Promise<SandboxResult | undefined>;
  private waiting: ((message: unknown) => void) | undefined;
  private marks = { resolve: (): void => undefined, left: 0 };

  constructor(private readonly options: SandboxOptions) {
    this.child = spawn(options.nodeBinary, [...options.nodeArguments, join(__dirname, 'bootstrap.js')], {
      cwd: options.directory,
      env: { ...options.environment, LOCAL_CLOUD_NONCE: NONCE },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.exited = new Promise(resolve => {
      this.child.once('error', error => resolve(`could not start: ${error.message}`));
      this.child.once('close', (code, signal) => resolve(code === null
        ? `signal: ${signal ?? 'unknown'}`
        : `exit status ${code}`));
    });
    void this.exited.then(() => { this.dead = true; });
    this.readLines(this.child.stdout);
    this.readLines(this.child.stderr);
    this.child.on('message', message => this.waiting?.(message));
    this.ready = this.load();
  }

  /** Handles one event. After a timeout, an exit or a failed load the sandbox is dead. */
  public async invoke(invocation: SandboxInvocation): Promise<SandboxResult> {
    const broken = await this.ready;
    if (broken) {
      await this.kill();
      return broken;
    }
    const { timeoutMs, ...message } = invocation;
    const answered = this.next();
    this.child.send({ ...message, deadline: Date.now() + timeoutMs }, () => undefined);
    const result = await this.limit(answered, timeoutMs);
    if (result.kind === 'timeout') { await this.kill(); }
    return result;
  }

  public async kill(): Promise<void> {
    this.dead = true;
    this.child.kill('SIGKILL');
    await this.exited;
  }

  private async load(): Promise<SandboxResult | undefined> {
    // Lambda gives the initialization 10 seconds, and again the function's timeout; a loaded
    // machine is slower than Lambda.
    const result = await this.limit(this.next(), 60_000);
    return result.kind === 'result' ? undefined : result;
  }

  /** The child's next answer, after all the output before it. */
  private async next(): Promise<SandboxResult> {
    const flushed = new Promise<void>(resolve => { this.marks = { resolve, left: 2 }; });
    const message = await new Promise<unknown>(resolve => { this.waiting = resolve; });
    this.waiting = undefined;
    if (!isRecord(message)) { throw new Error(`bootstrap sent ${String(message)}`); }
    if (message.type === 'ready') { return { kind: 'result', payload: '' }; }
    await Promise.race([flushed, this.exited]);
    return { kind: message.type === 'result' ? 'result' : 'error', payload: String(message.payload) };
  }

  private async limit(answer: Promise<SandboxResult>, timeoutMs: number): Promise<SandboxResult> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<SandboxResult>(resolve => {
      timer = setTimeout(() => resolve({ kind: 'timeout' }), timeoutMs);
    });
    // The answer of a process that ends right after it arrives before the end does, but its marks
    // may not: give it the precedence.
    const exit = this.exited.then(async (reason): Promise<SandboxResult> => {
      await new Promise(resolve => setImmediate(resolve));
      return { kind: 'exit', reason };
    });
    try {
      return await Promise.race([answer, timeout, exit]);
    } finally {
      clearTimeout(timer);
    }
  }

  private readLines(stream: NodeJS.ReadableStream | null): void {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    const line = (text: string): void => {
      if (text === `\0${NONCE}`) {
        if (--this.marks.left === 0) { this.marks.resolve(); }
      } else {
        this.options.onLine(text.replaceAll('\r', '\n'));
      }
    };
    stream?.on('data', (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(line);
    });
    stream?.on('end', () => { if (rest !== '') { line(rest); } });
  }
}
