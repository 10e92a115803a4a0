/** The last few comparisons of snapshots: a page of a list, and the next one, are made from the same. */
import type { CountsByKind, Comparison, PackageChange, SourceGroup } from '../compare/mod.ts';
import type { Scope } from './compare-scope.ts';

/** What was asked for of a comparison, before it is cut into pages. */
export type SelectedChanges = {
  readonly counts: CountsByKind;
  readonly alarms: readonly PackageChange[];
  readonly groups: readonly SourceGroup[];
};

export class ComparisonMemory {
  /** Two suites of Debian differ in 80,000 packages: about 40 MB each. */
  readonly comparisons = new Memory<Comparison>(4);
  /** They are made of the same changes, by source. */
  readonly selections = new Memory<SelectedChanges>(12);
}

class Memory<T> {
  readonly #most: number;
  readonly #kept = new Map<string, Promise<T>>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Made once for each key, also when it is asked for again meanwhile; a failure is not kept. */
  get(key: string, make: () => Promise<T>): Promise<T> {
    const found = this.#kept.get(key) ?? make();
    this.#kept.delete(key);
    this.#kept.set(key, found);
    found.catch(() => this.#kept.get(key) === found && this.#kept.delete(key));
    if (this.#kept.size > this.#most) this.#kept.delete(this.#kept.keys().next().value!);
    return found;
  }
}

/** By what the indexes say. Undefined when one of the places is a path: files change. */
export function memoryKey({ left, right, kinds, architectures }: Scope): string | undefined {
  if (left.files.length + right.files.length > 0) return undefined;
  const side = ({ stored }: Scope['left']) => stored.map(({ path, sha256 }) => `${path}=${sha256}`);
  return [kinds.join(), architectures?.join() ?? '*', ...side(left), 'and', ...side(right)].join(' ');
}
