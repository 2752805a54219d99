import { withoutNames } from './names';
import { CausedError, FailureCause } from '../resilience/failure-cause';

/** skopeo ended with an error. The message is the last line that it printed. */
export class SkopeoError extends CausedError {
  public override readonly name = 'SkopeoError';
  public readonly failureCause: FailureCause;
  /** The step that failed, where the message tells: everything but the manifest had been copied. */
  public readonly step: 'put manifest' | undefined;

  /** @param names what skopeo was called with and may have quoted: image references, file paths */
  constructor(message: string, names: readonly string[] = [], options?: ErrorOptions) {
    super(message, options);
    this.failureCause = causeOfText(withoutNames(message, names));
    this.step = /^(?:copying .{0,200}: )?(?:writing manifest: )?uploading manifest /s.test(message) ? 'put manifest' : undefined;
  }
}

/** A status code, and not a part of an address: `received unexpected HTTP status: 502 Bad Gateway`. */
const status = (codes: string): string => `(?<![\\w.:@/-])(?:${codes})(?![\\w-]|\\.\\w)`;

/** Any of these words, in whatever case and across line breaks. */
const words = (...patterns: string[]): RegExp => new RegExp(patterns.join('|'), 'is');

/**
 * skopeo tells the cause of a failure in words alone; its exit codes differ by version. These are the words of skopeo
 * 1.9 to 1.22, of Go's network packages, and of the registries that skopeo quotes. The first that matches decides.
 */
const CAUSES: readonly (readonly [RegExp, FailureCause])[] = [
  [words('authorization token has expired', 'token.{0,40}expired', 'ExpiredToken'), 'expired'],
  [words('already exists.{0,80}immutable', 'cannot be overwritten because the (repository|tag) is immutable'),
    'conflict'],
  [words('required for pushing image'), 'missing'],
  [words('manifest unknown', 'MANIFEST_UNKNOWN', 'blob unknown', 'BLOB_UNKNOWN', 'name unknown', 'NAME_UNKNOWN'),
    'lag'],
  [words('toomanyrequests', 'too many requests', status('429'), 'throttl', 'rate exceeded'), 'throttled'],
  // The answer to HEAD has no body that could say why, and an expired bearer token looks like none:
  // 403 in words since skopeo 1.13.
  [
    words(
      'failed to read from destination repository.{0,200}\\b403\\b',
      'checking whether a blob.{0,200}\\b403\\b',
      'StatusCode: 403, ""',
      'unauthorized',
      'authentication required',
      status('401'),
    ),
    'login',
  ],
  [words('denied', 'forbidden', 'not authorized', status('403')), 'denied'],
  [
    words(
      'unsupported',
      status('405|415'),
      'method not allowed',
      'manifest invalid',
      'MANIFEST_INVALID',
      'must be converted',
      'parameter at .?ImageManifest',
    ),
    'unsupported',
  ],
  [words(status('50[0234]'), 'internal server error', 'bad gateway', 'service unavailable', 'gateway time-?out'),
    'overloaded'],
  [
    words(
      'connection (reset|refused|closed|failed|timed out)',
      'closed network connection',
      '\\bEOF\\b',
      'timeout',
      'timed out',
      'deadline exceeded',
      'stream error',
      'GOAWAY',
      'no such host',
      'network is unreachable',
      'no route to host',
      'temporary failure',
      'broken pipe',
      'digest did not match',
      'does not match expected digest',
      'size mismatch',
      'BLOB_UPLOAD_UNKNOWN',
    ),
    'network',
  ],
];

function causeOfText(text: string): FailureCause {
  return CAUSES.find(([pattern]) => pattern.test(text))?.[1] ?? 'unknown';
}

/** The message in skopeo's last log line: `time="..." level=fatal msg="..."`. */
export function lastMessage(stderr: string): string {
  const lines = stderr.trim().split('\n');
  const line = lines.filter(text => /level=(fatal|error)/.test(text)).pop() ?? lines.pop() ?? '';
  return /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1].replace(/\\([nrt])/g, ' ').replace(/\\(.)/g, '$1') ?? line;
}
