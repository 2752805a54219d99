import { ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Addresses, Answer, Operation, Operations, ServerOptions } from './protocol';

/**
 * The servers, in a process of their own: what they take of the machine is not the contestants'. (It still is the same
 * machine: with few cores a contestant that does more at once is slowed down more.)
 */
export class Servers {
  public static async start(options: ServerOptions): Promise<Servers> {
    const servers = new Servers(fork(
      join(__dirname, 'main.ts'),
      { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    ));
    try {
      servers.found = await servers.ask('start', options);
    } catch (error) {
      await servers.close();
      throw error;
    }
    return servers;
  }

  private readonly waiting = new Map<number, {
    readonly resolve: (value: unknown) => void;
    readonly reject: (error: Error) => void;
  }>();
  private readonly ended: Promise<void>;
  private found: Addresses | undefined;
  private calls = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (answer: Answer) => this.take(answer));
    this.ended = new Promise(resolve => {
      child.once('exit', code => {
        this.waiting.forEach(({ reject }) =>
          reject(new Error(`the process of the servers ended with ${String(code)}`)));
        resolve();
      });
    });
  }

  public get addresses(): Addresses {
    if (!this.found) { throw new Error('the servers have not started'); }
    return this.found;
  }

  public ask<Name extends Operation>(
    operation: Name,
    ...[argument]: Parameters<Operations[Name]>
  ): Promise<Awaited<ReturnType<Operations[Name]>>> {
    const id = ++this.calls;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: value => resolve(value as Awaited<ReturnType<Operations[Name]>>), reject });
      this.child.send({ id, operation, argument });
    });
  }

  public async close(): Promise<void> {
    if (this.child.connected) { this.child.disconnect(); }
    await this.ended;
  }

  private take(answer: Answer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ('error' in answer) { waiting?.reject(new Error(answer.error)); } else { waiting?.resolve(answer.result); }
  }
}
