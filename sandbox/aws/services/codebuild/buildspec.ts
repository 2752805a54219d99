import { parse as parseYaml } from 'yaml';
import { Fields } from '../../core/fields';
import { isRecord, Json } from '../../core/json';

export const PHASES = ['install', 'pre_build', 'build', 'post_build'] as const;
export type PhaseName = typeof PHASES[number];

export interface BuildspecPhase {
  readonly name: PhaseName;
  readonly commands: readonly string[];
  readonly always: readonly string[];
  /** undefined: what the phase does by itself. */
  readonly onFailure?: 'ABORT' | 'CONTINUE';
}

export interface Buildspec {
  readonly phases: readonly BuildspecPhase[];
  readonly variables: Readonly<Record<string, string>>;
  /** Variable -> `secret-id:json-key:version-stage:version-id`. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly exported: readonly string[];
}

/** Undocumented; CreateProject answers InvalidInputException beyond it. */
const MAXIMUM_CHARACTERS = 25_600;

/**
 * Parses an inline buildspec, JSON being YAML.
 * @see https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
 */
export function parseBuildspec(text: string): Buildspec {
  if (text.length > MAXIMUM_CHARACTERS) {
    throw new Error(`the inline buildspec has ${text.length} characters; `
      + `CodeBuild accepts at most ${MAXIMUM_CHARACTERS}: move the program into an asset`);
  }
  const document = parseDocument(text);
  const fields = new Fields(document, (name, problem) => new Error(`buildspec: ${name} ${problem}`)).only(
    'version',
    'env',
    'phases',
  );
  // A number in YAML, a string in CDK's JSON.
  if (String(document.version) !== '0.2') {
    throw fields.fail('version', `must be 0.2, got ${String(document.version)}`);
  }
  const env = fields.object('env')?.only('shell', 'variables', 'secrets-manager', 'exported-variables');
  env?.choice('shell', ['bash'], 'bash');
  const phases = fields.require('phases', fields.object('phases')).only(...PHASES);
  return {
    phases: PHASES.flatMap(name => {
      const phase = phases.object(name);
      return phase ? [parsePhase(name, phase)] : [];
    }),
    variables: texts(env, 'variables'),
    secrets: texts(env, 'secrets-manager'),
    exported: env?.texts('exported-variables') ?? [],
  };
}

function parseDocument(text: string): Json {
  let document: unknown;
  try {
    document = parseYaml(text);
  } catch (error) {
    throw new Error(`buildspec: YAML_FILE_ERROR: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isRecord(document)) {
    throw new Error('buildspec: YAML_FILE_ERROR: it must be a mapping with version and phases');
  }
  return document;
}

function parsePhase(name: PhaseName, phase: Fields): BuildspecPhase {
  phase.only('commands', 'finally', 'on-failure');
  return {
    name,
    commands: commandList(phase, 'commands'),
    always: commandList(phase, 'finally'),
    onFailure: phase.has('on-failure')
      ? phase.choice<'ABORT' | 'CONTINUE'>('on-failure', ['ABORT', 'CONTINUE'])
      : undefined,
  };
}

/** One command may stand without a list. */
function commandList(phase: Fields, name: string): string[] {
  const value = phase.has(name) ? phase.textOrTexts(name) : [];
  const empty = value.findIndex(command => command.trim() === '');
  if (empty >= 0) { throw phase.fail(`${name}[${empty}]`, 'is empty'); }
  return value;
}

function texts(env: Fields | undefined, name: string): Record<string, string> {
  const record = env?.record(name) ?? {};
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, String(value)]));
}
