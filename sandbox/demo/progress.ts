import type { CloudEvent } from '../aws/core/service';

/** Says what happens while it happens: time, who, what. */
export class Progress {
  private readonly start = performance.now();

  constructor(private readonly write: (line: string) => void) {}

  public step(text: string): void {
    this.write('');
    this.write(`== ${text}`);
  }

  public say(who: string, text: string): void {
    const seconds = ((performance.now() - this.start) / 1000).toFixed(1).padStart(6);
    this.write(`${seconds} s  ${who.padEnd(10)} ${text}`);
  }

  /** Shows the events of the local cloud that tell a person something. */
  public readonly watch = (event: CloudEvent): void => {
    const text = describe(event);
    if (text !== undefined) { this.say(event.source, text); }
  };
}

function describe({ source, resource, kind, text }: CloudEvent): string | undefined {
  switch (source) {
    case 'cloudformation':
      return /(CREATE|UPDATE)_COMPLETE|FAILED|ROLLBACK/.test(kind) && !resource.includes('Policy') ? `${kind} ${resource}` : undefined;
    case 'apigateway':
      return kind === 'request' || kind === 'response' ? text : undefined;
    case 'codebuild':
      return kind === 'log'
        ? buildLine(text)
        : kind === 'started' || kind === 'finished' ? `build ${kind}: ${text}` : undefined;
    case 'lambda':
      return kind === 'log' ? logLine(resource, text) : undefined;
    case 'aws':
      return text.startsWith('AccessDenied') ? `${resource} refused: ${text}` : undefined;
    default:
      return undefined;
  }
}

/** A line of the build's log; of CodeBuild's own, only which phase begins. */
function buildLine(text: string): string | undefined {
  if (text.includes('[Container]')) { return /(Entering phase \S+|did not exit successfully.*)/.exec(text)?.[1]; }
  return text.trim() === '' || NODE_WARNING.test(text) ? undefined : text;
}

/** The SDK tells of the end of its support for the Node.js of this machine; in AWS the build image has a newer one. */
const NODE_WARNING = /NodeVersionSupportWarning|require node >=|To continue receiving updates|versions published after|and security updates please|More information can be found at|--trace-warnings/;

/** The message of a structured log line; the platform's own lines are left out. */
function logLine(resource: string, text: string): string | undefined {
  if (!text.startsWith('{')) { return undefined; }
  const { service, message, package: name, copy, tag, unchanged, delivery, reached, build } =
    JSON.parse(text) as Record<string, unknown>;
  if (service === undefined) { return undefined; }
  const details = Object.entries({ package: name, copy, tag, unchanged, delivery, reached, build })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${String(value)}`);
  return [`[${String(service || resource)}]`, message, ...details].join(' ');
}
