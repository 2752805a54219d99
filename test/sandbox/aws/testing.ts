import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';

/** A scratch directory for code and assemblies of a test. */
export class Workspace {
  public readonly directory = mkdtempSync(join(tmpdir(), 'local-cloud-test-'));
  private assemblies = 0;

  /** Writes the files of a function; returns its directory. */
  public code(name: string, files: Readonly<Record<string, string>>): string {
    for (const [file, content] of Object.entries(files)) {
      const path = join(this.directory, name, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    }
    return join(this.directory, name);
  }

  /** Synthesizes a stack; returns the assembly's directory. */
  public synth(build: (stack: Stack) => void, context: Readonly<Record<string, unknown>> = {}): string {
    const app = new App({
      outdir: join(this.directory, `assembly-${++this.assemblies}`),
      analyticsReporting: false,
      context,
    });
    build(new Stack(app, 'Test'));
    return app.synth().directory;
  }

  public remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
