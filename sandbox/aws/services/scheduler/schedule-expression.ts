const UNITS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** When a schedule runs next, in milliseconds since the epoch. */
export interface ScheduleExpression {
  /** The first time after `time`. @param created when the schedule began */
  next(time: number, created: number): number;
}

/**
 * `rate(6 hours)` or `cron(0 3 * * ? *)` in UTC:
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export function parseSchedule(text: string): ScheduleExpression {
  const [, count, unit, plural] = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) {
    if (Number(count) < 1 || (plural === '') !== (Number(count) === 1)) { throw invalid(text); }
    return rate(Number(count) * (UNITS[unit] ?? 0));
  }
  const [, fields] = /^cron\((.+)\)$/.exec(text) ?? [];
  if (fields === undefined) { throw invalid(text); }
  return cron(text, fields.split(/\s+/));
}

function invalid(text: string): Error {
  return new Error(`ValidationException: Invalid Schedule Expression ${text}.`);
}

function rate(periodMs: number): ScheduleExpression {
  return { next: (time, created) => created + (Math.floor((time - created) / periodMs) + 1) * periodMs };
}

function cron(text: string, fields: readonly string[]): ScheduleExpression {
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', year = ''] = fields;
  // One of the two day fields says `?`.
  if (fields.length !== 6 || (dayOfMonth === '?') === (dayOfWeek === '?')) { throw invalid(text); }
  const sets = {
    minute: field(text, minute, 0, 59),
    hour: field(text, hour, 0, 23),
    dayOfMonth: field(text, dayOfMonth, 1, 31),
    month: field(text, named(month, MONTHS, 1), 1, 12),
    // Days of the week are 1 (Sunday) to 7.
    dayOfWeek: field(text, named(dayOfWeek, DAYS, 1), 1, 7),
    year: field(text, year, 1970, 2199),
  };
  const matchesDay = (date: Date): boolean => sets.dayOfMonth.has(date.getUTCDate())
    && sets.month.has(date.getUTCMonth() + 1)
    && sets.dayOfWeek.has(date.getUTCDay() + 1)
    && sets.year.has(date.getUTCFullYear());
  const matches = (date: Date): boolean => matchesDay(date)
    && sets.minute.has(date.getUTCMinutes())
    && sets.hour.has(date.getUTCHours());
  return {
    next: time => {
      const date = new Date((Math.floor(time / 60_000) + 1) * 60_000);
      // Minute by minute, with whole days skipped.
      for (let step = 0; step < 600_000; step++) {
        if (matches(date)) { return date.getTime(); }
        if (!matchesDay(date)) {
          date.setUTCHours(24, 0, 0, 0);
        } else {
          date.setTime(date.getTime() + 60_000);
        }
      }
      throw new Error(`${text} never runs`);
    },
  };
}

function named(text: string, names: readonly string[], first: number): string {
  return text.replace(/[A-Z]{3}/g, name => names.includes(name) ? String(names.indexOf(name) + first) : name);
}

/** `*`, `?`, `5`, `1-5`, `1,2`, `0/15`; `L`, `W` and `#` are refused. */
function field(expression: string, text: string, min: number, max: number): ReadonlySet<number> {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [, all, from, to, step] = /^(?:([*?])|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part) ?? [];
    if (all === undefined && from === undefined) { throw invalid(expression); }
    const start = from === undefined ? min : Number(from);
    const end = to === undefined ? (from === undefined || step !== undefined ? max : start) : Number(to);
    if (start < min || end > max || start > end || step === '0') { throw invalid(expression); }
    for (let value = start; value <= end; value += Number(step ?? 1)) { values.add(value); }
  }
  return values;
}
