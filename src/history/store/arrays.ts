/** Long lists as one parameter each, in PostgreSQL's own notation: several times faster than one parameter an item. */
import { sql, type RawBuilder } from 'kysely';

export function ints(numbers: readonly number[] | Uint32Array): RawBuilder<number[]> {
  return sql`${`{${numbers.join(',')}}`}::int[]`;
}

export function bigints(numbers: readonly number[]): RawBuilder<number[]> {
  return sql`${`{${numbers.join(',')}}`}::bigint[]`;
}

export function texts(strings: readonly string[]): RawBuilder<string[]> {
  return sql`${`{${strings.map(quote).join(',')}}`}::text[]`;
}

/** Names, versions and hashes need no quotes. */
const plain = /^[a-z0-9A-Z][a-zA-Z0-9+.:~-]*$/;

function quote(text: string): string {
  if (plain.test(text) && text.toLowerCase() !== 'null') return text;
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
