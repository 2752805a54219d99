/** One value of a metric. */
export interface Datum {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly value: number;
  readonly timestamp: number;
}

/** @param dimensions undefined matches any, else they must be exactly these */
export function isMetric(
  datum: Datum,
  namespace: string,
  name: string,
  dimensions?: Readonly<Record<string, string>>,
): boolean {
  return datum.namespace === namespace
    && datum.name === name
    && (dimensions === undefined || sameDimensions(datum.dimensions, dimensions));
}

function sameDimensions(left: Readonly<Record<string, string>>, right: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every(key => left[key] === right[key]);
}
