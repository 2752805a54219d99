/** Parsing helpers for what comes from a template or over the wire. */
export type Json = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @param where names the value in the error: `Resources.Queue.Properties` */
export function record(value: unknown, where: string): Json {
  if (!isRecord(value)) { throw new Error(`${where}: expected an object, got ${describe(value)}`); }
  return value;
}

export function optionalRecord(value: unknown, where: string): Json {
  return value === undefined ? {} : record(value, where);
}

export function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) { throw new Error(`${where}: expected a list, got ${describe(value)}`); }
  return value;
}

export function string(value: unknown, where: string): string {
  if (typeof value !== 'string') { throw new Error(`${where}: expected a string, got ${describe(value)}`); }
  return value;
}

export function optionalString(value: unknown, where: string): string | undefined {
  return value === undefined ? undefined : string(value, where);
}

/** A number, also one that a template spells as a string. */
export function number(value: unknown, where: string): number {
  const parsed = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof parsed !== 'number' || !Number.isFinite(parsed)) {
    throw new Error(`${where}: expected a number, got ${describe(value)}`);
  }
  return parsed;
}

export function optionalNumber(value: unknown, where: string): number | undefined {
  return value === undefined ? undefined : number(value, where);
}

/** One string or a list of them, as IAM and DependsOn write it. */
export function strings(value: unknown, where: string): readonly string[] {
  return Array.isArray(value) ? value.map((item, index) => string(item, `${where}[${index}]`)) : [string(value, where)];
}

/** Refuses keys that the reader doesn't understand, so that nothing in a template is ignored silently. */
export function onlyKeys(value: Json, known: readonly string[], where: string, file: string): void {
  const unknown = Object.keys(value).filter(key => !known.includes(key));
  if (unknown.length > 0) {
    throw new Error(`${where}: the local cloud doesn't know ${unknown.map(key => `'${key}'`).join(', ')} (it knows `
      + `${known.join(', ')}); add it in sandbox/aws/${file}`);
  }
}

export function describe(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 200);
}

export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${where}: not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
