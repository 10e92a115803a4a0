/** Pages of long lists, by keyset: a page begins after the last item of the one before, however the list grows. */

export type Page<T> = {
  readonly items: readonly T[];
  /** What to ask for to get the next page; undefined on the last one. */
  readonly next: string | undefined;
};

/** `after` is the `next` of the page before. */
export type PageRequest = { readonly after?: string | undefined; readonly limit?: number | undefined };

export const defaultLimit = 50;
export const maxLimit = 200;

/** Items on a page: between 1 and `maxLimit`. */
export function limitOf(request: PageRequest): number {
  const limit = request.limit ?? defaultLimit;
  return Number.isSafeInteger(limit) ? Math.min(Math.max(limit, 1), maxLimit) : defaultLimit;
}

/** The position of a page keyed by a number, or undefined for the first page (and for a position nobody gave out). */
export function numberAfter(request: PageRequest): number | undefined {
  return request.after !== undefined && /^\d{1,15}$/.test(request.after) ? Number(request.after) : undefined;
}

/** Rows were asked for with one more than the limit, to know whether there is a next page. */
export function toPage<R, T>(
  rows: readonly R[],
  limit: number,
  key: (row: R) => string | number,
  view: (row: R) => T,
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(view),
    next: rows.length > limit && last !== undefined ? String(key(last)) : undefined,
  };
}
