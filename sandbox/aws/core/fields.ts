import { isRecord, Json } from './json';

/** Reads what came over the wire as `unknown`; each service words the refusal its own way. */
export class Fields {
  public constructor(
    private readonly input: Json,
    private readonly refuse: (name: string, problem: string) => Error,
    private readonly path = '',
  ) {}

  /** Refuses members that the stand-in would silently ignore: a test must not pass because a setting had no effect. */
  public only(...names: readonly string[]): this {
    const unknown = Object.keys(this.input).filter(name => this.input[name] !== undefined && !names.includes(name));
    if (unknown.length > 0) {
      throw this.fail(
        unknown[0],
        `is not known to the local cloud (it knows ${names.join(', ')}): implement it before using it`,
      );
    }
    return this;
  }

  public has(name: string): boolean {
    return this.input[name] !== undefined && this.input[name] !== null;
  }

  public fail(name: string, problem: string): Error {
    return this.refuse(this.path + name, problem);
  }

  public text(name: string): string {
    return this.require(name, this.optionalText(name));
  }

  public optionalText(name: string): string | undefined {
    return this.optional(name, value => typeof value === 'string' ? value : undefined, 'a string');
  }

  /** One of `values`. */
  public choice<T extends string>(name: string, values: readonly T[], otherwise?: T): T {
    const text = otherwise === undefined ? this.text(name) : this.optionalText(name) ?? otherwise;
    const found = values.find(value => value === text);
    if (found === undefined) { throw this.fail(name, `must be one of ${values.join(', ')}, got '${text}'`); }
    return found;
  }

  /** A whole number; CloudFormation hands numbers over as strings when they come from parameters. */
  public integer(name: string, min: number, max: number): number | undefined {
    const value = this.optional(name, wholeNumber, 'a whole number');
    if (value !== undefined && (value < min || value > max)) {
      throw this.fail(name, `must be between ${min} and ${max}, got ${value}`);
    }
    return value;
  }

  public flag(name: string): boolean | undefined {
    return this.optional(
      name,
      value => value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined,
      'a boolean',
    );
  }

  public texts(name: string): string[] | undefined {
    return this.optional(
      name,
      value => Array.isArray(value) && value.every(item => typeof item === 'string') ? value : undefined,
      'a list of strings',
    );
  }

  /** A list of strings, or one string without the list. */
  public textOrTexts(name: string): string[] {
    const value = this.input[name];
    return typeof value === 'string' ? [value] : this.require(name, this.texts(name));
  }

  public object(name: string): Fields | undefined {
    const value = this.record(name);
    return value && new Fields(value, this.refuse, `${this.path}${name}.`);
  }

  public record(name: string): Json | undefined {
    return this.optional(name, value => isRecord(value) ? value : undefined, 'an object');
  }

  public objects(name: string): Fields[] | undefined {
    const list = this.optional(
      name,
      value => Array.isArray(value) && value.every(isRecord) ? value : undefined,
      'a list of objects',
    );
    return list?.map((item, at) => new Fields(item, this.refuse, `${this.path}${name}[${at}].`));
  }

  public require<T>(name: string, value: T | undefined): T {
    if (value === undefined) { throw this.fail(name, 'is required'); }
    return value;
  }

  private optional<T>(name: string, parse: (value: unknown) => T | undefined, expected: string): T | undefined {
    if (!this.has(name)) { return undefined; }
    const parsed = parse(this.input[name]);
    if (parsed === undefined) { throw this.fail(name, `must be ${expected}, got ${JSON.stringify(this.input[name])}`); }
    return parsed;
  }
}

function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
}

/** Properties of a template's resource: `AWS::SQS::Queue DelaySeconds must be ...`. */
export function propertiesOf(type: string, logicalId: string, properties: Json): Fields {
  return new Fields(properties, (name, problem) => new Error(`${type} '${logicalId}': property ${name} ${problem}.`));
}
