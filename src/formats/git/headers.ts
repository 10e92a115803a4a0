/**
 * The head of tags and commits: `name SP value LF` lines up to an empty line; a line that begins with a space goes on
 * with the value before it (git's `gpgsig` and `mergetag`).
 */
import { badObject } from './error.ts';

export type Header = {
  readonly name: string;
  /** Continuation lines joined with LF, their leading space dropped. */
  readonly value: string;
  /** Byte positions in the object: [start, end), the final LF included. */
  readonly start: number;
  readonly end: number;
};

export type Head = {
  readonly headers: readonly Header[];
  /** Where the message begins: after the empty line. */
  readonly body: number;
};

const newline = 0x0a;
const space = 0x20;
const mostHeaders = 4096;

/** Latin-1 keeps bytes as they are for header names and ids; names of people are decoded again by their reader. */
const latin1 = new TextDecoder('latin1');
const utf8 = new TextDecoder('utf-8');

/** Throws `bad-git-object` for NUL bytes, lines without a name, and a head without its empty line. */
export function parseHead(type: string, bytes: Uint8Array): Head {
  const headers: Header[] = [];
  let position = 0;
  while (position < bytes.length) {
    if (bytes[position] === newline) return { headers, body: position + 1 };
    const start = position;
    let end = lineEnd(type, bytes, position);
    const separator = bytes.indexOf(space, start);
    if (separator <= start || separator >= end) throw badObject(type, start, 'a header line has no name and value');
    const name = latin1.decode(bytes.subarray(start, separator));
    if (!/^[a-z][a-z0-9-]{0,63}$/.test(name)) throw badObject(type, start, 'a header name has strange characters');
    const lines = [bytes.subarray(separator + 1, end)];
    while (bytes[end + 1] === space) {
      const next = end + 1;
      end = lineEnd(type, bytes, next);
      lines.push(bytes.subarray(next + 1, end));
    }
    headers.push({ name, value: lines.map((line) => utf8.decode(line)).join('\n'), start, end: end + 1 });
    if (headers.length > mostHeaders) throw badObject(type, start, `it has more than ${mostHeaders} headers`);
    position = end + 1;
  }
  // A tag or commit with an empty message may end right after its head.
  return { headers, body: bytes.length };
}

/** Position of the LF that ends the line at `start`. */
function lineEnd(type: string, bytes: Uint8Array, start: number): number {
  const end = bytes.indexOf(newline, start);
  if (end === -1) throw badObject(type, start, 'a header line has no end');
  const zero = bytes.subarray(start, end).indexOf(0);
  if (zero !== -1) throw badObject(type, start + zero, 'a header holds a NUL byte');
  return end;
}

/** The header expected at `index`; throws when another one is there. */
export function headerAt(type: string, head: Head, index: number, name: string): Header {
  const header = head.headers[index];
  if (header?.name !== name) {
    throw badObject(
      type,
      header?.start ?? 0,
      `expected "${name}" as header ${index + 1}, found "${header?.name ?? ''}"`,
    );
  }
  return header;
}

/** An object id as a header's whole value. */
export function idOf(type: string, header: Header): string {
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(header.value)) {
    throw badObject(type, header.start, `"${header.name}" is not an object id`);
  }
  return header.value;
}
