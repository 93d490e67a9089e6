/** The nodes that have the tasks of keys, as the answers of lookups name them: the next lookup of a key goes straight there. */

const MOST = 100_000;
/** How long no lookup goes straight to a node that did not answer one. */
const SHUN_MS = 60_000;

/** Owners by key. Nothing is known of any key at first; whatever is not known, or not rightly any more, is passed on by the node that is asked. */
export class Owners {
  readonly #byKey = new Map<string, string>();
  readonly #reached = new Set<string>();
  readonly #shunned = new Map<string, number>();

  /** `key` is worked out only where something is known. */
  of(key: (() => string) | undefined): string | undefined {
    return key === undefined || this.#byKey.size === 0 ? undefined : this.#byKey.get(key());
  }

  /** Whether a node has answered since it last did not. */
  reached(address: string): boolean {
    return this.#reached.has(address);
  }

  /** A lookup was answered by an address that names the owner, where that is another. */
  answered(key: () => string, address: string, owner: string): void {
    this.#reached.add(address);
    if (owner === "" || (this.#shunned.get(owner) ?? 0) > performance.now()) {
      return;
    }
    if (this.#byKey.size >= MOST) {
      this.#byKey.clear();
    }
    this.#byKey.set(key(), owner);
  }

  /** A lookup that went straight to an address was not answered. */
  shun(address: string): void {
    this.#reached.delete(address);
    this.#shunned.set(address, performance.now() + SHUN_MS);
    for (const [key, owner] of this.#byKey) {
      if (owner === address) {
        this.#byKey.delete(key);
      }
    }
  }
}
