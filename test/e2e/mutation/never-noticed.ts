/** A condition whose removal no request shows, and why the mirror has it all the same. */
export interface NeverNoticed {
  /** As `nameOf()` gives it. */
  readonly name: RegExp;
  readonly reason: string;
  readonly source: string;
}

export const NEVER_NOTICED: readonly NeverNoticed[] = [];
