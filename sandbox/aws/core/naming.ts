import type { CloudContext, Principal, ResourceRequest } from './service';

const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `STACK-LOGICALID-RANDOM`, as CloudFormation names what the template leaves unnamed. */
export function physicalName(context: CloudContext, request: ResourceRequest, maxLength: number): string {
  const room = maxLength - 14;
  const stack = request.stackName.slice(0, Math.max(1, Math.floor(room / 2)));
  return `${stack}-${request.logicalId.slice(0, room - stack.length)}-${randomText(context.random, 12, CAPITALS)}`;
}

export function randomText(random: () => number, length: number, alphabet = LETTERS): string {
  return Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
}

/** A version 4 UUID from the cloud's own draws, so that a seed gives the same identifiers again. */
export function randomUuid(random: () => number): string {
  const hex = randomText(random, 30, '0123456789abcdef');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-a${hex.slice(15, 18)}-${hex.slice(18)}`;
}

export function urlSuffix(partition: string): string {
  return partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
}

/** Dates travel as seconds since the epoch in AWS JSON. */
export function epochSeconds(milliseconds: number): number {
  return milliseconds / 1000;
}

/** A session of a role, as STS names it. */
export function sessionOf(context: CloudContext, roleArn: string, session: string): Principal {
  const role = roleArn.split('/').pop() ?? roleArn;
  return { roleArn, arn: `arn:${context.partition}:sts::${context.account}:assumed-role/${role}/${session}` };
}
