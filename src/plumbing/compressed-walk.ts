/**
 * Walks over compressed bytes as they come, looking at their headers only: decoders that have no limit of their own, or
 * that stop after the first of several parts, are led by it.
 */

/** What a walk wants next. `mayEnd` is true where the data may end well. */
export type Want =
  | { readonly take: number; readonly mayEnd?: boolean }
  /** Bytes that nobody looks at; they may be many. */
  | { readonly skip: number };

/** Reads by `yield`: gets the bytes taken, or nothing of use for bytes skipped. Throws for what it does not accept. */
export type Walk = Generator<Want, void, Uint8Array>;

const nothing = new Uint8Array();

export class Walker {
  /** Bytes that the walk has passed: all that were fed, but those that it waits to have more of. */
  position = 0;
  readonly #walk: Walk;
  readonly #endsEarly: (position: number) => Error;
  #want: IteratorResult<Want, void>;
  #pending: Uint8Array = nothing;
  #skipped = 0;

  constructor(walk: Walk, endsEarly: (position: number) => Error) {
    this.#walk = walk;
    this.#endsEarly = endsEarly;
    this.#want = walk.next(nothing);
  }

  /** Goes on as far as the bytes allow. */
  feed(bytes: Uint8Array): void {
    let at = 0;
    while (this.#want.done !== true) {
      const want = this.#want.value;
      if ('skip' in want) {
        const step = Math.min(want.skip - this.#skipped, bytes.length - at);
        this.#skipped += step;
        this.position += step;
        at += step;
        if (this.#skipped < want.skip) return;
        this.#skipped = 0;
        this.#want = this.#walk.next(nothing);
        continue;
      }
      const missing = want.take - this.#pending.length;
      if (bytes.length - at < missing) {
        if (at < bytes.length) this.#pending = join(this.#pending, bytes.slice(at));
        return;
      }
      const taken =
        this.#pending.length === 0
          ? bytes.subarray(at, at + missing)
          : join(this.#pending, bytes.subarray(at, at + missing));
      this.#pending = nothing;
      at += missing;
      this.position += want.take;
      this.#want = this.#walk.next(taken);
    }
  }

  /** Throws where the data must not end. */
  end(): void {
    if (this.#want.done === true) return;
    const want = this.#want.value;
    if ('mayEnd' in want && want.mayEnd === true && this.#pending.length === 0) return;
    throw this.#endsEarly(this.position + this.#pending.length);
  }
}

function join(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length === 0) return right;
  const joined = new Uint8Array(left.length + right.length);
  joined.set(left);
  joined.set(right, left.length);
  return joined;
}
