/** The loop that the readers of Packages and Sources share. */
import { SheafError } from '../../kit/error.ts';
import { IndexFields } from './index-fields.ts';
import { endOfStanza } from './index-scan.ts';

/** A bad stanza is thrown, or given to `onBad` and then passed over. */
export type ReadIndexOptions = { readonly onBad?: (error: SheafError) => void };

/** One value for each piece that holds a field, made when the caller asks for it. */
export function* readIndex<T>(
  bytes: Uint8Array,
  fields: IndexFields,
  { onBad }: ReadIndexOptions,
  read: (fields: IndexFields, start: number, end: number) => T,
): Generator<T, void, undefined> {
  let start = 0;
  while (start < bytes.length) {
    const end = endOfStanza(bytes, start);
    let value: T | undefined;
    try {
      if (fields.read(bytes, start, end)) value = read(fields, start, end);
    } catch (error) {
      if (onBad === undefined || !(error instanceof SheafError)) throw error;
      onBad(error);
    }
    if (value !== undefined) yield value;
    start = end;
  }
}
