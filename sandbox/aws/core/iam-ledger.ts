import { Match } from './iam-evaluate';
import { Statement } from './iam-policy';

/** One action or resource pattern of one allowing statement. */
export interface Grant {
  readonly kind: Statement['kind'];
  readonly holder: string;
  readonly policy: string;
  readonly statement: number;
  readonly sid?: string;
  readonly element: 'Action' | 'Resource';
  readonly pattern: string;
  /** How many calls it allowed, as the narrowest that did. */
  readonly used: number;
}

export interface Denial {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly message: string;
}

export interface Call {
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly holder: string;
  readonly policy: string;
  readonly statement: number;
  count: number;
}

export interface IamReport {
  readonly grants: readonly Grant[];
  /** Grants that no call needed. */
  readonly unused: readonly Grant[];
  /** Grants with `*` or `?` in them, used or not. */
  readonly wildcards: readonly Grant[];
  readonly denials: readonly Denial[];
  /** Every call that was allowed by a statement, with the statement. */
  readonly calls: readonly Call[];
}

interface Entry {
  readonly statement: Statement;
  readonly actions: Map<string, number>;
  readonly resources: Map<string, number>;
}

/** Remembers which statement allowed which call. */
export class Ledger {
  private readonly entries = new Map<string, Entry>();
  private readonly calls = new Map<string, Call>();
  private readonly denials: Denial[] = [];

  /** Makes a statement known, so that it is reported even when nothing ever uses it. */
  public register(statement: Statement): void {
    if (statement.effect !== 'Allow') { return; }
    const id = identity(statement);
    if (this.entries.has(id)) { return; }
    this.entries.set(id, { statement, actions: zeros(statement.actions), resources: zeros(statement.resources) });
  }

  public forget(statement: Statement): void {
    this.entries.delete(identity(statement));
  }

  public allowed(principal: string, action: string, resource: string, match: Match): void {
    const entry = this.entries.get(identity(match.statement));
    if (entry) {
      count(entry.actions, match.action);
      count(entry.resources, match.resource);
    }
    const { holder, policy, index } = match.statement;
    const key = [principal, action, resource, holder, policy, index].join('|');
    const call = this.calls.get(key) ?? { principal, action, resource, holder, policy, statement: index, count: 0 };
    call.count++;
    this.calls.set(key, call);
  }

  public denied(denial: Denial): void {
    this.denials.push(denial);
  }

  public report(): IamReport {
    const grants = [...this.entries.values()]
      .flatMap(entry => [...grantsOf(entry, 'Action'), ...grantsOf(entry, 'Resource')]);
    return {
      grants,
      unused: grants.filter(grant => grant.used === 0),
      wildcards: grants.filter(grant => /[*?]/.test(grant.pattern)),
      denials: [...this.denials],
      calls: [...this.calls.values()],
    };
  }
}

function grantsOf({ statement, actions, resources }: Entry, element: 'Action' | 'Resource'): Grant[] {
  const { kind, holder, policy, index, sid } = statement;
  return [...(element === 'Action' ? actions : resources)].map(([pattern, used]) => ({
    kind, holder, policy, statement: index, ...(sid === undefined ? {} : { sid }), element, pattern, used,
  }));
}

function zeros(patterns: readonly string[] | undefined): Map<string, number> {
  return new Map((patterns ?? []).map(pattern => [pattern, 0]));
}

function count(uses: Map<string, number>, pattern: string): void {
  const used = uses.get(pattern);
  if (used !== undefined) { uses.set(pattern, used + 1); }
}

function identity(statement: Statement): string {
  return JSON.stringify([statement.kind, statement.holder, statement.policy, statement.index]);
}
