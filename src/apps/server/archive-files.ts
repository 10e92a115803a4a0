/**
 * The published trees as plain files over HTTP: `/REPOSITORY/…` as it is now, `/snapshot/SUITE@ID/…` and
 * `/snapshot/SUITE@NUMBER/…` as it was. Whatever is not theirs goes on to the next handler.
 */
import { open, readdir, realpath, type FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';

import { Hono } from 'hono';
import { html } from 'hono/html';

import type { Distribution } from '../../model/distribution.ts';

export type ArchiveFilesDeps = {
  readonly distribution: Pick<Distribution, 'repositories' | 'suites'>;
  /** The folder that holds one archive tree for each repository. */
  readonly directory: string;
};

/**
 * Mount it before the pages: a request for a folder `/REPOSITORY/` itself is passed on, so that a front page can answer
 * it; all others below a repository are answered here.
 */
export function archiveFiles(deps: ArchiveFilesDeps): Hono {
  const app = new Hono();
  app.on(['GET', 'HEAD'], '/*', async (context, next) => {
    const request = context.req.raw;
    const location = locate(deps, new URL(request.url).pathname);
    if (location === undefined) return next();
    return (await respond(deps, location, request)) ?? context.text('Not found\n', 404);
  });
  return app;
}

type Location = {
  /** On the disk, links not yet followed. */
  readonly path: string;
  /** Never changes once it is there. */
  readonly immutable: boolean;
  readonly url: string;
};

/** Undefined for what is not the archive's. A path that cannot be one (`..`, NUL, bad escapes) leads to no file. */
function locate(deps: ArchiveFilesDeps, url: string): Location | undefined {
  const parts = url.split('/').slice(1).map(decode);
  const [first, second, ...rest] = parts;
  const repository = [...deps.distribution.repositories.keys()].find((name) => name === first);
  if (repository !== undefined) {
    if (second === undefined || (second === '' && rest.length === 0)) return undefined;
    const below = [second, ...rest];
    const immutable = second === 'pool' || second === 'by-hash' || below.includes('by-hash');
    return { path: safeJoin(deps.directory, [repository, ...below]), immutable, url };
  }
  if (first !== 'snapshot') return undefined;
  const match = /^([^@]+)@(\d{8}T\d{6}Z|\d+)$/.exec(second ?? '');
  const suite = [...deps.distribution.suites.values()].find((each) => each.name === match?.[1]);
  if (match === null || suite === undefined) return undefined;
  const below = [suite.repository, 'snapshot', suite.name, match[2]!, ...rest];
  return { path: safeJoin(deps.directory, below), immutable: true, url };
}

const nowhere = '';

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '\0';
  }
}

/** An empty part is only good as the last: the slash at the end of a folder. */
function safeJoin(directory: string, parts: readonly string[]): string {
  const bad = parts.some(
    (part, index) => part === '.' || part === '..' || /[/\0]/.test(part) || (part === '' && index !== parts.length - 1),
  );
  return bad ? nowhere : join(directory, ...parts);
}

/** Undefined when there is nothing. */
async function respond(deps: ArchiveFilesDeps, location: Location, request: Request): Promise<Response | undefined> {
  if (location.path === nowhere) return undefined;
  let file: FileHandle | undefined;
  try {
    // Links lead only to places inside the same folder: followed once, and then opened under the real name.
    const root = await realpath(deps.directory);
    const path = await realpath(location.path);
    if (!path.startsWith(root + sep) || isUnfinished(path)) return undefined;
    file = await open(path, 'r');
    const facts = await file.stat();
    if (facts.isDirectory()) return await listing(path, location, request);
    if (!facts.isFile() || location.url.endsWith('/')) return undefined;
    const response = fileResponse(file, facts, location, path, request);
    if (response.body !== null) file = undefined;
    return response;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP') return undefined;
    throw error;
  } finally {
    await file?.close();
  }
}

/** Names under which something is still being written. */
function isUnfinished(path: string): boolean {
  return path.split(sep).some((part) => part.endsWith('.tmp'));
}

function fileResponse(
  file: FileHandle,
  facts: { readonly size: number; readonly mtimeMs: number; readonly ino: number },
  location: Location,
  path: string,
  request: Request,
): Response {
  const etag = `"${facts.ino.toString(36)}-${facts.size.toString(36)}-${Math.floor(facts.mtimeMs).toString(36)}"`;
  const modified = new Date(Math.floor(facts.mtimeMs / 1000) * 1000).toUTCString();
  const headers: Record<string, string> = {
    etag,
    'last-modified': modified,
    'accept-ranges': 'bytes',
    'cache-control': location.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    'x-content-type-options': 'nosniff',
  };
  if (isUnchanged(request, etag, modified)) return new Response(null, { status: 304, headers });

  headers['content-type'] = contentType(path);
  const range = wantedRange(request, etag, modified, facts.size);
  if (range === 'unsatisfiable') {
    return new Response(null, { status: 416, headers: { ...headers, 'content-range': `bytes */${facts.size}` } });
  }
  const { start, end } = range ?? { start: 0, end: facts.size - 1 };
  headers['content-length'] = String(end - start + 1);
  if (range !== undefined) headers['content-range'] = `bytes ${start}-${end}/${facts.size}`;
  const status = range === undefined ? 200 : 206;
  if (request.method === 'HEAD' || facts.size === 0) return new Response(null, { status, headers });
  const stream = file.createReadStream({ start, end, highWaterMark: 256 * 1024 });
  return new Response(Readable.toWeb(stream) as WebStream as unknown as ReadableStream, { status, headers });
}

/**
 * RFC 9110 section 13.2.2: If-None-Match goes before If-Modified-Since. The date must be the very one that was sent: a
 * pointer may have moved to a file that is older, and that one has changed for this client.
 */
function isUnchanged(request: Request, etag: string, modified: string): boolean {
  const match = request.headers.get('if-none-match');
  if (match !== null) return match === '*' || match.split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
  return request.headers.get('if-modified-since') === modified;
}

type Range = { readonly start: number; readonly end: number };

/** RFC 9110 section 14: one range of bytes; several, other units and bad ones are ignored, as a server may. */
function wantedRange(
  request: Request,
  etag: string,
  modified: string,
  size: number,
): Range | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/.exec(request.headers.get('range') ?? '');
  if (match === null || request.method !== 'GET') return undefined;
  const condition = request.headers.get('if-range');
  if (condition !== null && condition !== etag && condition !== modified) return undefined;
  const [, first, last] = match as unknown as [string, string, string];
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  return start > end ? 'unsatisfiable' : { start, end };
}

/** Indexes are text only when they are not compressed; nothing here is ever a page. */
function contentType(path: string): string {
  if (path.endsWith('.deb')) return 'application/vnd.debian.binary-package';
  if (path.endsWith('.gz')) return 'application/gzip';
  if (path.endsWith('.xz')) return 'application/x-xz';
  if (path.endsWith('key.gpg')) return 'application/pgp-keys';
  if (/\/(?:InRelease|Release|Release\.gpg|Packages|Sources)$|\.(?:dsc|asc)$/.test(path))
    return 'text/plain; charset=utf-8';
  return 'application/octet-stream';
}

/** For people who look around: names only. */
async function listing(path: string, location: Location, request: Request): Promise<Response> {
  if (!location.url.endsWith('/')) {
    return new Response(null, { status: 301, headers: { location: `${location.url.replace(/^.*\//, '')}/` } });
  }
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries
    .filter((entry) => !isUnfinished(entry.name))
    .map((entry) => (entry.isFile() ? entry.name : `${entry.name}/`))
    .toSorted();
  const body = await html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <title>${decode(location.url)}</title>
      <h1>${decode(location.url)}</h1>
      <ul>
        <li><a href="../">../</a></li>
        ${names.map((name) => html`<li><a href="${encodeURIComponent(name).replace(/%2F$/, '/')}">${name}</a></li> `)}
      </ul>
    </html> `;
  const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' };
  return new Response(request.method === 'HEAD' ? null : String(body), { headers });
}
