import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord, optionalRecord, parseJson, record, string } from './json';
import { parseTemplate, Template } from './template';

/** Where a stack is deployed to. */
export interface Environment {
  readonly account: string;
  readonly region: string;
  readonly partition: string;
}

export interface AssemblyStack {
  readonly name: string;
  readonly template: Template;
  /** `bucket/key` of every published file asset -> its file or directory in the assembly. */
  readonly assets: ReadonlyMap<string, string>;
}

/** Reads what `cdk synth` wrote. */
export function loadAssembly(directory: string, environment: Environment): readonly AssemblyStack[] {
  const artifacts = optionalRecord(
    record(readJson(join(directory, 'manifest.json')), 'manifest.json').artifacts,
    'manifest.json artifacts',
  );
  const stacks: AssemblyStack[] = [];
  for (const [id, value] of Object.entries(artifacts)) {
    const artifact = record(value, `artifact ${id}`);
    if (artifact.type === 'cdk:cloud-assembly') {
      throw new Error(`${directory}: artifact '${id}' is a nested assembly (a Stage); `
        + "point the local cloud at the stage's own directory");
    }
    if (artifact.type !== 'aws:cloudformation:stack') { continue; }
    const properties = record(artifact.properties, `artifact ${id}.properties`);
    const file = string(properties.templateFile, `artifact ${id}.templateFile`);
    stacks.push({
      name: typeof properties.stackName === 'string' ? properties.stackName : id,
      template: parseTemplate(readJson(join(directory, file))),
      assets: loadAssets(directory, file.replace(/\.template\.json$/, '.assets.json'), environment),
    });
  }
  if (stacks.length === 0) { throw new Error(`${directory}: the assembly holds no stack`); }
  return stacks;
}

function loadAssets(directory: string, file: string, environment: Environment): ReadonlyMap<string, string> {
  const assets = new Map<string, string>();
  if (!existsSync(join(directory, file))) { return assets; }
  const manifest = record(readJson(join(directory, file)), file);
  if (Object.keys(optionalRecord(manifest.dockerImages, file)).length > 0) {
    throw new Error(`${file}: container image assets are not supported by the local cloud; `
      + 'add them in sandbox/aws/core/assembly.ts');
  }
  for (const [id, value] of Object.entries(optionalRecord(manifest.files, file))) {
    const asset = record(value, `${file} ${id}`);
    const source = record(asset.source, `${file} ${id}.source`);
    if (typeof source.path !== 'string') {
      throw new Error(`${file}: asset ${id} has no source.path (executable sources are not supported)`);
    }
    const path = join(directory, source.path);
    for (const destination of Object.values(record(asset.destinations, `${file} ${id}.destinations`))
      .filter(isRecord)) {
      const bucket = fill(string(destination.bucketName, `${file} ${id}.bucketName`), environment);
      assets.set(`${bucket}/${string(destination.objectKey, `${file} ${id}.objectKey`)}`, path);
    }
  }
  return assets;
}

/** The CLI fills these placeholders when it publishes. */
function fill(value: string, environment: Environment): string {
  return value.replaceAll('${AWS::AccountId}', environment.account)
    .replaceAll('${AWS::Region}', environment.region)
    .replaceAll('${AWS::Partition}', environment.partition);
}

function readJson(path: string): unknown {
  return parseJson(readFileSync(path, 'utf8'), path);
}
