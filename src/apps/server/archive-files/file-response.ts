/** A file as an answer of a handler that speaks in the web's words. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';

import { fileAnswer, type FileTerms, type Piece } from './answer.ts';
import type { FoundFile } from './open-file.ts';
import { closeQuietly } from './send.ts';

/** Closes the file, at once or when the client has had it. */
export function fileResponse(found: FoundFile, terms: FileTerms, request: Request): Response {
  const file = found.kind === 'file' ? found.file : undefined;
  const { headers } = request;
  const { status, pieces, ...answer } = fileAnswer(found, terms, request.method, {
    'if-none-match': headers.get('if-none-match') ?? undefined,
    'if-modified-since': headers.get('if-modified-since') ?? undefined,
    'if-range': headers.get('if-range') ?? undefined,
    range: headers.get('range') ?? undefined,
  });
  const init = { status, headers: pairs(answer.headers) };
  if (pieces.length > 0) return new Response(bodyOf(pieces, file), init);
  if (file !== undefined) closeQuietly(file);
  return new Response(null, init);
}

function pairs(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length / 2 }, (_, index) => [list[2 * index]!, list[2 * index + 1]!]);
}

/** Reads on only as fast as the client takes. */
function bodyOf(pieces: readonly Piece[], file: number | undefined): ReadableStream {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      for (const piece of pieces) {
        if (piece instanceof Uint8Array) yield piece;
        else yield* createReadStream('', { fd: file!, autoClose: false, highWaterMark: 2 ** 18, ...piece });
      }
    } finally {
      if (file !== undefined) closeQuietly(file);
    }
  }
  const stream = Readable.from(bytes(), { objectMode: false, highWaterMark: 2 ** 18 });
  return Readable.toWeb(stream) as WebStream as unknown as ReadableStream;
}
