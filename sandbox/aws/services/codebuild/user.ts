import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EnvironmentType, isLambdaCompute } from './environment';

/** Who runs a build's commands; undefined is the user of this process. */
export interface BuildUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** `nobody` of every Linux distribution. */
const NOBODY = 65_534;

/**
 * Commands on Lambda compute are not run by root, and only /tmp is writable. When this process is root, they run here
 * as `nobody`, who can
 * write nowhere but to /tmp and its like; their home, source and temporary directories are below /tmp. Not modelled: a
 * root file system
 * that is read-only for files which anybody may write, Lambda's 10 GB of /tmp, its memory, and the curated image's lack
 * of tools. When this
 * process is not root, it can't change the user, and the commands run as everything else here.
 * @see https://docs.aws.amazon.com/codebuild/latest/userguide/lambda.html#lambda.limitations
 */
export function buildUser(type: EnvironmentType): BuildUser {
  return isLambdaCompute(type) && process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
}

/** Gives the build's directory to the user who runs its commands. */
export async function handOver(directory: string, { uid, gid }: BuildUser): Promise<void> {
  if (uid === undefined) {
    return;
  }
  await promisify(execFile)('chown', ['-R', `${uid}:${gid}`, directory]);
}
