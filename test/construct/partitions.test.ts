import { Template } from 'aws-cdk-lib/assertions';
import { ownSecret, synth } from './synth';

/** Strings of a template with the path that leads to them. */
function strings(value: unknown, path: string): [string, string][] {
  if (typeof value === 'string') { return [[path, value]]; }
  if (typeof value !== 'object' || value === null) { return []; }
  return Object.entries(value).flatMap(([key, child]) => strings(child, `${path}/${key}`));
}

// The principals of AWS services are called *.amazonaws.com in every partition.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services
const SERVICE_PRINCIPAL = /\/Principal(\/Service(\/\d+)?)?$/;

describe.each(['eu-central-1', 'cn-north-1', 'us-gov-west-1', undefined])('in region %s', region => {
  let template: Template;
  beforeAll(() => {
    const env = region === undefined ? undefined : { account: '111122223333', region };
    template = synth(stack => ({ webhookToken: ownSecret(stack, 'Hooks') }), env).template;
  });

  function found(pattern: RegExp): [string, string][] {
    return strings((template.toJSON() as { Resources: unknown }).Resources, '')
      .filter(([path, value]) => !SERVICE_PRINCIPAL.test(path) && pattern.test(value));
  }

  test('no ARN names a partition', () => {
    expect(found(/arn:aws/)).toEqual([]);
  });

  test('no host has the domain of one partition', () => {
    expect(found(/amazonaws\.com/)).toEqual([]);
  });

  test('service principals are the only exception', () => {
    const services = strings((template.toJSON() as { Resources: unknown }).Resources, '')
      .filter(([path]) => SERVICE_PRINCIPAL.test(path))
      .map(([, value]) => value);
    expect(services.length).toBeGreaterThan(0);
    services.forEach(service => expect(service).toMatch(/^[a-z]+\.amazonaws\.com$|^\*$/));
  });
});
