import type { FailureCause } from './failure-cause';

/**
 * Exceptions of ECR, and the errors that every AWS service has.
 *
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html#API_PutImage_Errors
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html
 */
const BY_NAME: ReadonlyMap<string, FailureCause> = new Map<string, FailureCause>([
  ['AccessDeniedException', 'denied'],
  ['ExpiredToken', 'expired'],
  ['ExpiredTokenException', 'expired'],
  ['ImageTagAlreadyExistsException', 'conflict'],
  ['InvalidParameterException', 'unsupported'],
  ['LayersNotFoundException', 'missing'],
  ['ReferencedImagesNotFoundException', 'missing'],
  ['RepositoryNotFoundException', 'missing'],
  ['RequestLimitExceeded', 'throttled'],
  ['Throttling', 'throttled'],
  ['ThrottlingException', 'throttled'],
  // The SDK's own, for a connection that was not made or answered in time.
  ['TimeoutError', 'network'],
  ['TooManyRequestsException', 'throttled'],
  ['UnsupportedImageTypeException', 'unsupported'],
]);

/** undefined for an error that does not come from an AWS SDK, or tells nothing. */
export function causeOfAwsError(error: unknown): FailureCause | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) { return undefined; }
  return BY_NAME.get(error.name) ?? causeOfStatus(statusOf(error.$metadata));
}

function statusOf(metadata: unknown): number {
  const known = typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata;
  return known && typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : 0;
}

function causeOfStatus(status: number): FailureCause | undefined {
  switch (status) {
    case 401:
      return 'login';
    case 403:
      return 'denied';
    case 405:
    case 415:
      return 'unsupported';
    case 429:
      return 'throttled';
    default:
      return status >= 500 ? 'overloaded' : undefined;
  }
}
