/** One line of a log. */
export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Takes the place of the Powertools logger; keeps what was logged. */
export class RecordingLog {
  public readonly lines: LogLine[] = [];
  public readonly info = (message: unknown, ...extra: unknown[]): void => this.record('info', message, extra);
  public readonly warn = (message: unknown, ...extra: unknown[]): void => this.record('warn', message, extra);
  public readonly error = (message: unknown, ...extra: unknown[]): void => this.record('error', message, extra);

  /** Everything, to search it for what must not be there. */
  public get text(): string {
    return JSON.stringify(this.lines);
  }

  private record(level: LogLine['level'], message: unknown, extra: unknown[]): void {
    this.lines.push({
      level,
      message: String(message),
      detail: Object.assign({}, ...extra) as Record<string, unknown>,
    });
  }
}
