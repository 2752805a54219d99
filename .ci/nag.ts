/**
 * Checks the mirrors of test/construct/variants.ts with cdk-nag. Runs in an app that has the packed library, the newest
 * aws-cdk-lib and cdk-nag: see .ci/compatibility. A finding passes when the construct acknowledges it, or when a prop
 * mends it that this mirror doesn't set.
 */
import { App, Stack, Validations } from 'aws-cdk-lib';
import { GhcrMirror } from 'cdk-ghcr2ecr';
import { AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { VARIANTS } from './variants';

/** Findings that a prop mends. A prop that the library has not got yet lets the finding pass until the library has it. */
const MENDED_BY: Readonly<Record<string, string>> = {
  'AwsSolutions-SMG4': 'webhookSecret',
  'NIST.800.53.R5-SecretsManagerRotationEnabled': 'webhookSecret',
  'NIST.800.53.R5-SecretsManagerUsingKMSKey': 'encryptionKey or webhookSecret',
  'AwsSolutions-CB4': 'encryptionKey',
  'NIST.800.53.R5-CloudWatchLogGroupEncrypted': 'encryptionKey',
  'NIST.800.53.R5-CloudWatchAlarmAction': 'monitoring',
  'NIST.800.53.R5-LambdaConcurrency': 'webhookReservedConcurrency',
  'NIST.800.53.R5-LambdaInsideVPC': 'vpc',
};

/** With an empty prefix the wildcard covers all repositories, and a prefix mends that. */
const ALL_REPOSITORIES = /^AwsSolutions-IAM5\[Resource::arn:[^/]+:repository\/\*\]$/;

interface Finding { readonly rule: string; readonly path: string }

function findings(app: App, stack: Stack, acknowledged: boolean): Finding[] {
  const packs = [new AwsSolutionsChecks(app), new NIST80053R5Checks(app), new ServerlessChecks(app)];
  return packs.flatMap(pack => {
    if (!acknowledged) { Object.assign(pack, { isAcknowledged: () => false }); }
    return pack.validateScope(stack).violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(resource => ({ rule: ruleName, path: resource.constructPath ?? '' })));
  });
}

function mendedBy(rule: string): string | undefined {
  return ALL_REPOSITORIES.test(rule) ? 'repositoryPrefix' : MENDED_BY[rule];
}

/** Acknowledgements that acknowledge nothing: they would hide a finding to come. */
function superfluous(mirror: IConstruct, found: readonly Finding[]): string[] {
  return mirror.node.findAll().flatMap(({ node }) => node.metadata
    .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
    .flatMap(({ data }) => Object.keys(data as object).map(id => id.replace(/^Annotation::/, '')))
    .filter(id => !found.some(({ rule, path }) => rule === id && `${path}/`.startsWith(`${node.path}/`)))
    .map(id => `${node.path}: ${id}`));
}

let failed = false;
const used = new Set<string>();
for (const [name, props] of Object.entries(VARIANTS)) {
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, name);
  const given = props(stack);
  const mirror = new GhcrMirror(stack, 'Mirror', given);
  const open = findings(app, stack, true);
  const mendable = open.filter(({ rule }) => mendedBy(rule) !== undefined);
  mendable.forEach(({ rule }) => used.add(rule));
  const without = given.repositoryPrefix === '' ? { ...given, repositoryPrefix: undefined } : given;
  const set = (props: string): boolean =>
    Object.entries(without).some(([key, value]) => value !== undefined && props.split(' or ').includes(key));
  const wrong = open.filter(finding => !mendable.includes(finding) || set(mendedBy(finding.rule) ?? ''));
  const needless = superfluous(mirror, findings(app, stack, false));
  console.log(`${name}: ${mendable.length} findings that a prop mends, ${wrong.length} wrong ones, `
    + `${needless.length} needless acknowledgements`);
  for (const { rule, path } of wrong) {
    console.log(`  ${path}: ${rule}. Mend it, or acknowledge it with a reason in src/private/acknowledgements.ts.`);
  }
  for (const id of needless) { console.log(`  ${id} is acknowledged and not found. Remove it from src/private/acknowledgements.ts.`); }
  failed ||= wrong.length + needless.length > 0;
}
for (const rule of Object.keys(MENDED_BY).filter(id => !used.has(id))) {
  console.log(`${rule} is found in no mirror. Remove it from MENDED_BY in .ci/nag.ts.`);
  failed = true;
}
process.exitCode = failed ? 1 : 0;
