import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STACK } from '../../../sandbox/world/synth';
import { mutate, Mutate, readTemplate, Template } from '../../../sandbox/world/template';

/** One synthesized assembly whose template is changed again and again, each time from what was synthesized. */
export class MutableAssembly {
  public readonly template: Template;
  private readonly file: string;
  private readonly original: string;

  constructor(public readonly directory: string) {
    this.file = join(directory, `${STACK}.template.json`);
    this.original = readFileSync(this.file, 'utf8');
    this.template = readTemplate(directory);
  }

  /** @returns the directory, for `stack.update()` */
  public with(change: Mutate): string {
    writeFileSync(this.file, this.original);
    return mutate(this.directory, change);
  }

  public unchanged(): string {
    return this.with(() => undefined);
  }
}
