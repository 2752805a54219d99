/** Fewer runs than this have no median worth the name. */
const LEAST_FOR_MEDIAN = 3;

/** What a row prints of its runs: the median, and of fewer than three runs the slowest. */
export function typical(numbers: readonly number[]): number {
  return numbers.length < LEAST_FOR_MEDIAN ? percentile(numbers, 100) : median(numbers);
}

export function median(numbers: readonly number[]): number {
  return percentile(numbers, 50);
}

/** @param share 0 to 100, by linear interpolation between neighbours */
export function percentile(numbers: readonly number[], share: number): number {
  if (numbers.length === 0) { throw new Error('no numbers, expected at least one'); }
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share / 100;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  return low + (high - low) * (at - Math.floor(at));
}

/** Exponent of growth: the slope of the line through the logarithms, by least squares. 1 = linear. */
export function growthExponent(points: readonly { readonly size: number; readonly cost: number }[]): number {
  const logs = points.map(({ size, cost }) => ({ x: Math.log(size), y: Math.log(cost) }));
  const mean = (pick: (point: { x: number; y: number }) => number): number =>
    logs.reduce((sum, point) => sum + pick(point), 0) / logs.length;
  const [x, y] = [mean(point => point.x), mean(point => point.y)];
  const above = logs.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0);
  return above / logs.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
}
