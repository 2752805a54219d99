/**
 * How much the rivals do at the same time: each of these is tried in each scenario, the
 * likeliest first, and the best counts.
 */
export const PARALLEL = [8, 4, 16] as const;
