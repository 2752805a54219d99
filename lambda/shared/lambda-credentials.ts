import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Takes the place of the SDK's default credential chain in the Lambda bundles. Lambda hands a function
 * its role's credentials in the environment; the rest of the chain (SSO, STS, INI files, instance
 * metadata) is a quarter of a small bundle.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export function defaultProvider(): ReturnType<typeof fromEnv> {
  return fromEnv();
}
