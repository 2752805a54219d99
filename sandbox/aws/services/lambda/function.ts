import { parseVpc, VpcConfig } from './vpc';
import {
  Json,
  list,
  number,
  onlyKeys,
  optionalNumber,
  optionalRecord,
  optionalString,
  record,
  string,
} from '../../core/json';
import { AwsError } from '../../core/service';

/** A function's configuration, checked as Lambda does. */
export interface FunctionConfig {
  readonly handler: string;
  readonly runtime: string;
  readonly roleArn: string;
  readonly bucket: string;
  readonly key: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly logGroup?: string;
  readonly jsonLogs: boolean;
  readonly applicationLogLevel: string;
  readonly systemLogLevel: string;
  readonly reservedConcurrency?: number;
  /** Encrypts the environment; only its form is checked. */
  readonly kmsKeyArn?: string;
  readonly vpc?: VpcConfig;
}

export const FUNCTION_PROPERTIES = [
  'Architectures', 'Code', 'Description', 'Environment', 'FunctionName', 'Handler', 'KmsKeyArn', 'LoggingConfig',
  'MemorySize',
  'ReservedConcurrentExecutions', 'Role', 'Runtime', 'Tags', 'Timeout', 'VpcConfig',
];

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime */
const RESERVED = [
  '_HANDLER', '_X_AMZN_TRACE_ID', 'AWS_DEFAULT_REGION', 'AWS_REGION', 'AWS_EXECUTION_ENV', 'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 'AWS_LAMBDA_FUNCTION_VERSION', 'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME', 'AWS_LAMBDA_LOG_STREAM_NAME', 'AWS_ACCESS_KEY', 'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_LAMBDA_RUNTIME_API', 'LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR',
  'AWS_LAMBDA_MAX_CONCURRENCY', 'AWS_LAMBDA_METADATA_API', 'AWS_LAMBDA_METADATA_TOKEN',
];

const RUNTIMES = ['nodejs20.x', 'nodejs22.x', 'nodejs24.x'];
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const MAX_ENVIRONMENT_BYTES = 4096;

export function parseFunction(properties: Json): FunctionConfig {
  const code = record(properties.Code, 'Code');
  onlyKeys(code, ['S3Bucket', 'S3Key'], 'Code', 'services/lambda/function.ts');
  const logging = optionalRecord(properties.LoggingConfig, 'LoggingConfig');
  onlyKeys(
    logging,
    ['LogGroup', 'LogFormat', 'ApplicationLogLevel', 'SystemLogLevel'],
    'LoggingConfig',
    'services/lambda/function.ts',
  );
  const jsonLogs = oneOf(logging.LogFormat ?? 'Text', ['Text', 'JSON'], 'LogFormat') === 'JSON';
  if (!jsonLogs && (logging.ApplicationLogLevel !== undefined || logging.SystemLogLevel !== undefined)) {
    throw invalid('To set log levels, LogFormat must be JSON.');
  }
  list(properties.Architectures ?? ['x86_64'], 'Architectures')
    .forEach(item => oneOf(item, ['x86_64', 'arm64'], 'Architectures'));
  return {
    handler: string(properties.Handler, 'Handler'),
    runtime: oneOf(properties.Runtime, RUNTIMES, 'Runtime'),
    roleArn: string(properties.Role, 'Role'),
    bucket: string(code.S3Bucket, 'Code.S3Bucket'),
    key: string(code.S3Key, 'Code.S3Key'),
    timeoutSeconds: within(properties.Timeout ?? 3, 1, 900, 'Timeout'),
    memoryMb: within(properties.MemorySize ?? 128, 128, 10_240, 'MemorySize'),
    variables: parseVariables(properties.Environment),
    logGroup: optionalString(logging.LogGroup, 'LoggingConfig.LogGroup'),
    jsonLogs,
    applicationLogLevel: oneOf(logging.ApplicationLogLevel ?? 'INFO', LEVELS, 'ApplicationLogLevel'),
    systemLogLevel: oneOf(logging.SystemLogLevel ?? 'INFO', ['DEBUG', 'INFO', 'WARN'], 'SystemLogLevel'),
    reservedConcurrency: optionalNumber(properties.ReservedConcurrentExecutions, 'ReservedConcurrentExecutions'),
    kmsKeyArn: parseKey(properties.KmsKeyArn),
    vpc: parseVpc(properties.VpcConfig),
  };
}

function parseKey(value: unknown): string | undefined {
  const key = optionalString(value, 'KmsKeyArn');
  if (key !== undefined && !/^arn:[^:]+:kms:[^:]+:\d{12}:(key|alias)\/.+$/.test(key)) {
    throw invalid(`KmsKeyArn must be the ARN of a key, got '${key}'`);
  }
  return key;
}

function parseVariables(value: unknown): Readonly<Record<string, string>> {
  const environment = optionalRecord(value, 'Environment');
  onlyKeys(environment, ['Variables'], 'Environment', 'services/lambda/function.ts');
  const given = optionalRecord(environment.Variables, 'Environment.Variables');
  // Scalars arrive as strings: the schema of the property says so, and CloudFormation converts.
  const variables = Object.fromEntries(
    Object.entries(given).map(([name, item]) => [name, scalar(item, `Environment.Variables.${name}`)]),
  );
  const names = Object.keys(variables);
  const malformed = names.filter(name => !/^[a-zA-Z][a-zA-Z0-9_]+$/.test(name));
  if (malformed.length > 0) {
    throw invalid("1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map "
      + 'keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+] (got '
      + `${malformed.join(', ')})`);
  }
  const reserved = names.filter(name => RESERVED.includes(name));
  if (reserved.length > 0) {
    throw invalid('Lambda was unable to configure your environment variables because the environment variables you '
      + 'have provided contains reserved keys that are currently not supported for modification. '
      + `Reserved keys used in this request: ${reserved.join(', ')}`);
  }
  if (Buffer.byteLength(JSON.stringify(variables)) > MAX_ENVIRONMENT_BYTES) {
    throw invalid('Lambda was unable to configure your environment variables because the environment variables you '
      + `have provided exceeded the 4KB limit. String measured: ${Buffer.byteLength(JSON.stringify(variables))} bytes`);
  }
  return variables;
}

function scalar(value: unknown, where: string): string {
  if (typeof value === 'number' || typeof value === 'boolean') { return String(value); }
  return string(value, where);
}

function within(value: unknown, min: number, max: number, where: string): number {
  const parsed = number(value, where);
  if (!Number.isInteger(parsed) || parsed < min || parsed > max) {
    throw invalid(`Value '${parsed}' at '${where}' failed to satisfy constraint: between ${min} and ${max}`);
  }
  return parsed;
}

function oneOf(value: unknown, known: readonly string[], where: string): string {
  const text = string(value, where);
  if (!known.includes(text)) {
    throw invalid(`Value '${text}' at '${where}' failed to satisfy constraint: Member must satisfy enum value `
      + `set: [${known.join(', ')}]`);
  }
  return text;
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}
