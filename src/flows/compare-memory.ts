/** The last few comparisons of snapshots: a page of a list, and the next one, are made from the same. */
import type { Comparison } from '../compare/mod.ts';
import type { Scope } from './compare-scope.ts';

/** Two suites of Debian differ in 80,000 packages: about 40 MB each. */
const mostKept = 4;

export class ComparisonMemory {
  readonly #kept = new Map<string, Promise<Comparison>>();

  /** Made once for each key, also when it is asked for again meanwhile; a failure is not kept. */
  get(key: string, make: () => Promise<Comparison>): Promise<Comparison> {
    const found = this.#kept.get(key) ?? make();
    this.#kept.delete(key);
    this.#kept.set(key, found);
    found.catch(() => this.#kept.get(key) === found && this.#kept.delete(key));
    if (this.#kept.size > mostKept) this.#kept.delete(this.#kept.keys().next().value!);
    return found;
  }
}

/** By what the indexes say. Undefined when one of the places is a path: files change. */
export function memoryKey({ left, right, kinds, architectures }: Scope): string | undefined {
  if (left.files.length + right.files.length > 0) return undefined;
  const side = ({ stored }: Scope['left']) => stored.map(({ path, sha256 }) => `${path}=${sha256}`);
  return [kinds.join(), architectures?.join() ?? '*', ...side(left), 'and', ...side(right)].join(' ');
}
