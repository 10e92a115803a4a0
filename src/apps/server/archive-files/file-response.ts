/** A file, or the parts of it that were asked for, as an HTTP answer. */
import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';

import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';

import { isUnchanged, wantedRanges, type Range, type Validators } from './conditions.ts';
import { contentType } from './content-type.ts';
import type { FileFacts, Found } from './open-file.ts';

type FoundFile = Exclude<Found, { kind: 'folder' }>;

/** What the answer says of how long it stays true. */
const forEver = 'public, max-age=31536000, immutable';
const askAgain = 'no-cache';

export type FileTerms = {
  /** Under this address it never changes. */
  readonly immutable: boolean;
  /** Where it is known. */
  readonly sha256?: string;
  /** The connection itself: large files then go straight to it, which costs half of what web streams do. */
  readonly outgoing?: ServerResponse | undefined;
};

/** Closes the file, at once or when the client has had it. */
export async function fileResponse(found: FoundFile, terms: FileTerms, request: Request): Promise<Response> {
  let taken = false;
  try {
    const response = answer(found, terms, request);
    taken = found.kind === 'file' && (response === RESPONSE_ALREADY_SENT || response.body !== null);
    return response;
  } finally {
    if (!taken && found.kind === 'file') await found.file.close();
  }
}

function answer(found: FoundFile, { immutable, sha256, outgoing }: FileTerms, request: Request): Response {
  const { facts, path } = found;
  const { validators, type } = aboutFile(path, facts, sha256);
  const headers: Record<string, string> = {
    etag: validators.etag,
    'last-modified': validators.modified,
    'accept-ranges': 'bytes',
    'cache-control': immutable ? forEver : askAgain,
    'x-content-type-options': 'nosniff',
  };
  if (isUnchanged(request.headers, validators)) return new Response(null, { status: 304, headers });

  headers['content-type'] = type;
  const { size } = facts;
  const ranges = request.method === 'GET' ? wantedRanges(request.headers, validators, size) : undefined;
  if (ranges === 'unsatisfiable') {
    return new Response(null, { status: 416, headers: { ...headers, 'content-range': `bytes */${size}` } });
  }
  if (ranges !== undefined && ranges.length > 1) return partsResponse(found, ranges, headers);
  const [range] = ranges ?? [];
  const { start, end } = range ?? { start: 0, end: size - 1 };
  headers['content-length'] = String(end - start + 1);
  if (range !== undefined) headers['content-range'] = `bytes ${start}-${end}/${size}`;
  const status = range === undefined ? 200 : 206;
  if (request.method === 'HEAD' || size === 0) return new Response(null, { status, headers });
  if (found.kind === 'kept') {
    return new Response(found.bytes.subarray(start, end + 1) as Uint8Array<ArrayBuffer>, { status, headers });
  }
  // Gone already: nobody reads this answer.
  if (outgoing?.destroyed === true) return new Response(null, { status: 408 });
  const stream = found.file.createReadStream({ start, end, highWaterMark: outgoing === undefined ? 2 ** 18 : 2 ** 20 });
  if (outgoing === undefined) return streamed(stream, status, headers);
  outgoing.writeHead(status, headers);
  // A client that goes away is nothing to report; a file that cannot be read cuts the answer short, and it shows.
  pipeline(stream, outgoing, () => {});
  return RESPONSE_ALREADY_SENT;
}

type AboutFile = { readonly validators: Validators; readonly type: string };

const known = new WeakMap<FileFacts, AboutFile>();

/** The same for the same facts: a file that is kept in memory is asked for often. */
function aboutFile(path: string, facts: FileFacts, sha256: string | undefined): AboutFile {
  const before = known.get(facts);
  if (before !== undefined) return before;
  const etag = sha256 === undefined ? etagOf(path, facts) : `"${sha256}"`;
  const about = { validators: { etag, modified: httpDate(facts.mtimeMs) }, type: contentType(path) };
  known.set(facts, about);
  return about;
}

/**
 * An index by its hash is named by it. Any other file: which one on this disk, its size and its time; a file here is
 * never written to, only replaced by another.
 */
function etagOf(path: string, facts: FileFacts): string {
  const digest = /\/by-hash\/SHA256\/([0-9a-f]{64})$/.exec(path)?.[1];
  if (digest !== undefined) return `"${digest}"`;
  return `"${facts.ino.toString(36)}-${facts.size.toString(36)}-${Math.floor(facts.mtimeMs).toString(36)}"`;
}

function httpDate(milliseconds: number): string {
  return new Date(Math.floor(milliseconds / 1000) * 1000).toUTCString();
}

/** RFC 9110 section 14.6: several parts in one multipart/byteranges body. */
function partsResponse(found: FoundFile, ranges: readonly Range[], headers: Record<string, string>): Response {
  const boundary = randomBytes(18).toString('hex');
  const heads = ranges.map(({ start, end }, index) =>
    Buffer.from(
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${headers['content-type']}\r\n` +
        `Content-Range: bytes ${start}-${end}/${found.facts.size}\r\n\r\n`,
    ),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const length = ranges.reduce(
    (sum, { start, end }, index) => sum + end - start + 1 + heads[index]!.length,
    tail.length,
  );
  const all = {
    ...headers,
    'content-type': `multipart/byteranges; boundary=${boundary}`,
    'content-length': String(length),
  };
  async function* parts(): AsyncGenerator<Uint8Array> {
    try {
      for (const [index, range] of ranges.entries()) {
        yield heads[index]!;
        yield* partOf(found, range);
      }
      yield tail;
    } finally {
      if (found.kind === 'file') await found.file.close();
    }
  }
  return streamed(Readable.from(parts(), { objectMode: false, highWaterMark: 256 * 1024 }), 206, all);
}

async function* partOf(found: FoundFile, { start, end }: Range): AsyncGenerator<Uint8Array> {
  if (found.kind === 'kept') yield found.bytes.subarray(start, end + 1);
  else yield* readPart(found.file, start, end);
}

async function* readPart(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at <= end;) {
    const buffer = Buffer.allocUnsafe(Math.min(256 * 1024, end - at + 1));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw new Error('the file has become shorter');
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

/** Reads on only as fast as the client takes. */
function streamed(stream: Readable, status: number, headers: Record<string, string>): Response {
  return new Response(Readable.toWeb(stream) as WebStream as unknown as ReadableStream, { status, headers });
}
