/** Cutting a log's bytes into whole lines, wherever the pieces were cut on their way. */
import { renderLine } from './ansi.ts';

/** A longer line is shown in pieces of this many bytes. */
const longestLine = 16_384;

const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

export type Rendered = {
  /** HTML of the whole lines, each with its end. */
  readonly html: string;
  /** HTML of what follows the last line end. */
  readonly partial: string;
  /** How many of the bytes are in `html`: the rest comes again with what follows it. */
  readonly consumed: number;
};

/** `finished`: nothing will follow, so what is left is a line too. */
export function renderLines(bytes: Uint8Array, finished = false): Rendered {
  const lines: string[] = [];
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    const line = bytes.subarray(start, end === -1 ? bytes.length : end);
    if (line.length > longestLine) {
      const cut = start + characterStart(line, longestLine);
      lines.push(renderLine(decoder.decode(bytes.subarray(start, cut))));
      start = cut;
    } else if (end === -1) {
      break;
    } else {
      lines.push(renderLine(decoder.decode(line)));
      start = end + 1;
    }
  }
  const rest = bytes.subarray(start);
  const partial = renderLine(decoder.decode(rest));
  if (finished && rest.length > 0) {
    return { html: join([...lines, partial]), partial: '', consumed: bytes.length };
  }
  return { html: join(lines), partial, consumed: start };
}

function join(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** The last position not after `limit` where a UTF-8 character begins, so that none is cut in two. */
function characterStart(bytes: Uint8Array, limit: number): number {
  for (let position = limit; position > limit - 4; position -= 1) {
    if ((bytes[position]! & 0xc0) !== 0x80) return position;
  }
  return limit;
}

/** Where the tail of a log begins: at a line, at most `size` bytes before the end, unless a single line is longer. */
export function tailStart(tail: Uint8Array, position: number): number {
  if (position === 0) return 0;
  const end = tail.indexOf(0x0a);
  return end === -1 ? position + characterSkip(tail) : position + end + 1;
}

/** Continuation bytes at the front belong to a character that began before. */
function characterSkip(bytes: Uint8Array): number {
  let skip = 0;
  while (skip < 3 && skip < bytes.length && (bytes[skip]! & 0xc0) === 0x80) skip += 1;
  return skip;
}
