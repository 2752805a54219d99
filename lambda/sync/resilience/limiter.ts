/** A limit that gives way when a registry asks to slow down. */
export interface Limiter {
  /** Number of times that the limit was lowered. */
  readonly epoch: number;
  /**
   * Lowers the limit by half, but never to nothing.
   *
   * @param since `epoch` when the refused request began: a request that was in flight at the last
   * halving must not cause another one
   */
  slowDown(since: number): void;
}
