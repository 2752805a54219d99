/** ECR's default quota of PutImage requests in a second. */
const DEFAULT_PUT_IMAGE_RATE = 10;

/**
 * How many processes of skopeo run at the same time. Each takes about 30 MB of memory of its own and one PutImage; at
 * ECR's default rate eight are enough to use all of it, and more would come at once now and then.
 *
 * @param putImageRate PutImage requests in a second
 */
export function concurrentProcesses(putImageRate: number): number {
  return putImageRate > DEFAULT_PUT_IMAGE_RATE ? 16 : 8;
}
