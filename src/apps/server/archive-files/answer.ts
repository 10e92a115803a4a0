/** A file, or the parts of it that were asked for, as an answer that no connection has seen yet. */
import { randomBytes } from 'node:crypto';

import { isUnchanged, wantedRanges, type Conditions, type Range, type Validators } from './conditions.ts';
import { contentType } from './content-type.ts';
import type { FileFacts, FoundFile } from './open-file.ts';

/** A stretch of the open file, or bytes that are here. */
export type Piece = Range | Uint8Array;

export type Answer = {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** What is sent one after the other; of a HEAD nothing. */
  readonly pieces: readonly Piece[];
};

/** What the answer says of how long it stays true. */
const forEver = 'public, max-age=31536000, immutable';
const askAgain = 'no-cache';

export type FileTerms = {
  /** Under this address it never changes. */
  readonly immutable: boolean;
  /** Where it is known. */
  readonly sha256?: string;
};

/** What is said of one file whoever asks. */
type AboutFile = {
  readonly validators: Validators;
  readonly type: string;
  readonly same: readonly string[];
  readonly whole: readonly string[];
};

/** The file stays open, and it is the caller's to close. */
export function fileAnswer(found: FoundFile, terms: FileTerms, method: string, asked: Conditions): Answer {
  const { validators, type, same, whole } = aboutFile(found, terms);
  if (isUnchanged(asked, validators)) return { status: 304, headers: same, pieces: [] };

  const { size } = found.facts;
  const ranges = method === 'GET' ? wantedRanges(asked, validators, size) : undefined;
  if (ranges === undefined) {
    return {
      status: 200,
      headers: whole,
      pieces: method === 'HEAD' || size === 0 ? [] : pieceOf(found, 0, size - 1),
    };
  }
  if (ranges === 'unsatisfiable') {
    const headers = [...same, 'content-type', type, 'content-range', `bytes */${size}`, 'content-length', '0'];
    return { status: 416, headers, pieces: [] };
  }
  if (ranges.length > 1) return partsAnswer(found, ranges, same, type);
  const { start, end } = ranges[0]!;
  const length = ['content-length', String(end - start + 1), 'content-range', `bytes ${start}-${end}/${size}`];
  return { status: 206, headers: [...same, 'content-type', type, ...length], pieces: pieceOf(found, start, end) };
}

function pieceOf(found: FoundFile, start: number, end: number): readonly Piece[] {
  if (found.kind === 'file') return [{ start, end }];
  return [end - start + 1 === found.bytes.length ? found.bytes : found.bytes.subarray(start, end + 1)];
}

const known = new WeakMap<FileFacts, { readonly terms: FileTerms; readonly about: AboutFile }>();

/** The same for the same facts: a file that is kept in memory is asked for often. */
function aboutFile({ path, facts }: FoundFile, terms: FileTerms): AboutFile {
  const before = known.get(facts);
  if (before?.terms.immutable === terms.immutable && before.terms.sha256 === terms.sha256) return before.about;
  const etag = terms.sha256 === undefined ? etagOf(path, facts) : `"${terms.sha256}"`;
  const validators = { etag, modified: httpDate(facts.mtimeMs) };
  const type = contentType(path);
  const same = [
    ...['etag', etag],
    ...['last-modified', validators.modified],
    ...['accept-ranges', 'bytes'],
    ...['cache-control', terms.immutable ? forEver : askAgain],
    ...['x-content-type-options', 'nosniff'],
  ];
  const whole = [...same, 'content-type', type, 'content-length', String(facts.size)];
  const about = { validators, type, same, whole };
  known.set(facts, { terms, about });
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
function partsAnswer(found: FoundFile, ranges: readonly Range[], same: readonly string[], type: string): Answer {
  const boundary = randomBytes(18).toString('hex');
  const pieces: Piece[] = [];
  let length = 0;
  for (const [index, { start, end }] of ranges.entries()) {
    const head = Buffer.from(
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${type}\r\n` +
        `Content-Range: bytes ${start}-${end}/${found.facts.size}\r\n\r\n`,
    );
    pieces.push(head, ...pieceOf(found, start, end));
    length += head.length + end - start + 1;
  }
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  pieces.push(tail);
  const headers = [
    ...same,
    ...['content-type', `multipart/byteranges; boundary=${boundary}`],
    ...['content-length', String(length + tail.length)],
  ];
  return { status: 206, headers, pieces };
}
