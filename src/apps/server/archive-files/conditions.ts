/** What a client says that it has, or wants a part of: RFC 9110 sections 13 and 14. Pure. */

/** A file as it is now. */
export type Validators = {
  /** With its quotes. */
  readonly etag: string;
  /** An HTTP date. */
  readonly modified: string;
};

/** The headers of a request that say so. */
export type Conditions = {
  readonly 'if-none-match'?: string | undefined;
  readonly 'if-modified-since'?: string | undefined;
  readonly 'if-range'?: string | undefined;
  readonly range?: string | undefined;
};

/**
 * RFC 9110 section 13.2.2: If-None-Match goes before If-Modified-Since. The date must be the very one that was sent: a
 * pointer may have moved to a file that is older, and that one has changed for this client.
 */
export function isUnchanged(headers: Conditions, { etag, modified }: Validators): boolean {
  const match = headers['if-none-match'];
  if (match !== undefined)
    return match === '*' || match.split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
  return headers['if-modified-since'] === modified;
}

/** First and last byte, both included. */
export type Range = { readonly start: number; readonly end: number };

/** More parts than this are not worth their seeking. */
const mostRanges = 64;

/**
 * The parts asked for, in the order asked for. Undefined when the whole is the answer: no range, one of another unit or
 * of a form that is none, a condition (section 13.1.5) that does not hold, or parts that are more than the whole.
 */
export function wantedRanges(
  headers: Conditions,
  { etag, modified }: Validators,
  size: number,
): readonly Range[] | 'unsatisfiable' | undefined {
  const header = headers.range;
  if (header === undefined) return undefined;
  const list = /^\s*bytes\s*=(.*)$/i.exec(header)?.[1]?.split(',');
  const condition = headers['if-range'];
  if (list === undefined || (condition !== undefined && condition !== etag && condition !== modified)) return undefined;
  const specs = list.map((each) => each.trim()).filter((each) => each !== '');
  if (specs.length === 0 || specs.length > mostRanges) return undefined;
  const ranges: Range[] = [];
  for (const spec of specs) {
    const range = parseRange(spec, size);
    if (range === undefined) return undefined;
    if (range !== 'unsatisfiable') ranges.push(range);
  }
  if (ranges.length === 0) return 'unsatisfiable';
  const total = ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0);
  return ranges.length > 1 && total >= size ? undefined : ranges;
}

/** Section 14.1.2. Undefined for what is no range. */
function parseRange(spec: string, size: number): Range | 'unsatisfiable' | undefined {
  const match = /^(\d*)-(\d*)$/.exec(spec);
  if (match === null) return undefined;
  const [, first, last] = match as unknown as [string, string, string];
  if (first === '' && last === '') return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start > end ? 'unsatisfiable' : { start, end };
}
