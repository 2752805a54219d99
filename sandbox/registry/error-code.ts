/**
 * `ENOENT`, `ECONNRESET`: what Node says that went wrong. Not by `instanceof Error`, because jest runs tests in a realm
 * of their own, whose `Error` isn't that of Node's modules: https://github.com/jestjs/jest/issues/2549
 */
export function errorCode(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;
}
