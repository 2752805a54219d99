import { digestAlgorithm } from './digest';

interface Put { readonly repository: string; readonly reference: string; readonly digest: string }

/** Read-after-push lag: a tag or digest that was just pushed stays unknown to readers for a while. */
export class PushLag {
  private readonly visibleAt = new Map<string, number>();
  private readonly tags = new Map<string, string>();

  constructor(private readonly lagMs: number, private readonly now: () => number) {}

  public pushed(put: Put): void {
    if (this.lagMs <= 0) { return; }
    const visible = this.now() + this.lagMs;
    const digestKey = key(put.repository, put.digest);
    // Content that was there already stays visible; so does a tag that is put again with the same content.
    if (!this.visibleAt.has(digestKey)) { this.visibleAt.set(digestKey, visible); }
    if (digestAlgorithm(put.reference) !== undefined) { return; }
    const tagKey = key(put.repository, put.reference);
    if (this.tags.get(tagKey) !== put.digest) { this.visibleAt.set(tagKey, visible); }
    this.tags.set(tagKey, put.digest);
  }

  /** @param reference tag or digest */
  public hides(repository: string, reference: string): boolean {
    return (this.visibleAt.get(key(repository, reference)) ?? 0) > this.now();
  }
}

function key(repository: string, reference: string): string {
  return `${repository} ${reference}`;
}
