/**
 * `PUT /upload/SUITE/FILENAME`: what dput and dput-ng send by http and https, each file in turn, the `.changes` last.
 *
 * The signature of the `.changes` alone decides who uploads and whether they may. The password (HTTP Basic, users in
 * `secrets/uploaders`) only guards the disk: who has it can fill the bounded incoming place, and nothing else. Without
 * that file nobody can send anything.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';

import { Hono, type Context } from 'hono';

import { keepPooled } from '../../archive/mod.ts';
import { takeUpload, type TakeUploadDeps, type TakenUpload } from '../../flows/take-upload.ts';
import { parseChanges } from '../../formats/deb/changes.ts';
import { parseDsc } from '../../formats/deb/dsc.ts';
import { isSafeFileName } from '../../formats/deb/files.ts';
import type { Clock } from '../../kit/clock.ts';
import { describeError, SheafError } from '../../kit/error.ts';
import type { Suite } from '../../model/distribution.ts';
import type { InputFile } from '../../model/job.ts';
import type { LintianTag } from '../../model/lintian.ts';
import { lintianReasons } from '../../upload/mod.ts';
import type { Incoming } from './incoming.ts';

export type UploadApiDeps = TakeUploadDeps & {
  readonly incoming: Incoming;
  /** The lines `NAME:PASSWORD` of secrets/uploaders; undefined when there is none. Rejects when others may read it. */
  readonly uploaders: () => Promise<string | undefined>;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
};

/** Larger descriptions are refused when they are judged; this only bounds what is read to find the files. */
const largestDescription = 2 ** 22;
const mostStatusText = 2000;
/** Of a refused request's body this much is read, so that the answer reaches a client that is still sending. */
const mostDrained = 2 ** 26;

export function uploadApi(deps: UploadApiDeps): Hono {
  const app = new Hono();
  app.put('/upload/:suite/:name', async (c) => {
    try {
      return await receive(c, deps);
    } catch (error) {
      // The client went away: there is nobody to tell, and nothing of the file was kept.
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return c.body(null, 400);
      await drain(c);
      if (error instanceof SheafError && refusedFile[error.code] !== undefined) {
        return c.text(`${error.message}\n`, refusedFile[error.code]!);
      }
      deps.report(error);
      if (error instanceof SheafError && error.kind === 'environment') {
        return c.text(`${[error.message, ...(error.hint === undefined ? [] : [error.hint])].join('\n')}\n`, 503);
      }
      return c.text('The server could not take the file; try again.\n', 500);
    }
  });
  app.all('/upload/*', (c) => c.text('Files are uploaded by PUT /upload/SUITE/FILENAME, the .changes last.\n', 404));
  return app;
}

const refusedFile: Readonly<Record<string, 413 | 507>> = { 'file-too-large': 413, 'incoming-full': 507 };

async function receive(c: Context, deps: UploadApiDeps): Promise<Response> {
  const lines = await deps.uploaders();
  if (lines === undefined) {
    await drain(c);
    return c.text('This server takes no uploads: it has no secrets/uploaders.\n', 403);
  }
  if (!isUploader(lines, c.req.header('authorization'))) {
    await drain(c);
    return c.text('Uploads need a name and a password.\n', 401, { 'www-authenticate': 'Basic realm="uploads"' });
  }
  const suite = [...deps.archive.distribution.suites.values()].find((each) => each.name === c.req.param('suite'));
  const name = c.req.param('name') ?? '';
  if (
    suite === undefined ||
    !isSafeFileName(name) ||
    !/\.(?:changes|dsc|deb|buildinfo|tar\.\w+|diff\.gz|asc)$/.test(name)
  ) {
    await drain(c);
    const what = suite === undefined ? 'There is no such suite.' : `${name}: not the name of a file of an upload.`;
    return c.text(`${what}\n`, suite === undefined ? 404 : 422);
  }
  const announced = Number(c.req.header('content-length') ?? 0);
  const file = await deps.incoming.put(suite.name, name, body(c), deps.clock.now(), announced);
  if (!name.endsWith('.changes')) return c.text(`Received ${name}; it waits for its .changes.\n`, 201);
  return judge(c, deps, suite, file);
}

async function judge(c: Context, deps: UploadApiDeps, suite: Suite, changes: InputFile): Promise<Response> {
  const files = await collect(deps, suite, changes);
  const taken = await takeUpload(deps, { suite, files, remote: true }, deps.clock.now());
  // A refused upload's files stay until they are too old: a .changes that is signed anew finds them.
  await deps.incoming.drop(suite.name, taken.kind === 'refused' ? [changes] : files);
  return answer(c, suite, taken, deps.archive.distribution.url);
}

/** The files that the `.changes` names, as far as they were sent with the same bytes or the repository has them. */
async function collect(deps: UploadApiDeps, suite: Suite, changes: InputFile): Promise<InputFile[]> {
  const files: InputFile[] = [];
  const seen = new Set<string>();
  const missing: InputFile[] = [];
  let source = '';
  const queue = [changes];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file.name)) continue;
    const { name, sha256, size } = file;
    const path = await deps.incoming.find(suite.name, file);
    if (path === undefined) {
      missing.push({ name, sha256, size });
      continue;
    }
    seen.add(name);
    await deps.archive.blobs.put(createReadStream(path), { expect: sha256 });
    files.push({ name, sha256, size });
    if (!/\.(?:changes|dsc)$/.test(name)) continue;
    const listed = await readListed(path, name);
    source ||= listed.source;
    queue.push(...listed.files);
  }
  const others = missing.filter(({ name }) => !seen.has(name));
  const had = await keepPooled(deps.archive.db, suite, source, others);
  // No suite has .buildinfo files: of those that came before, the bytes are kept.
  const kept = [];
  for (const file of others) {
    if (!file.name.endsWith('.buildinfo')) continue;
    if ((await deps.archive.blobs.info(file.sha256))?.size === file.size) kept.push(file);
  }
  return [...files, ...had, ...kept];
}

async function readListed(
  path: string,
  name: string,
): Promise<{ readonly source: string; readonly files: readonly InputFile[] }> {
  if ((await stat(path)).size > largestDescription) return { source: '', files: [] };
  const text = await readFile(path, 'utf8');
  try {
    return name.endsWith('.changes') ? parseChanges(text, name) : parseDsc(text, name);
  } catch (error) {
    // What is wrong with it is said by those who judge it.
    if (error instanceof SheafError) return { source: '', files: [] };
    throw new Error(`cannot read ${name}: ${describeError(error)}`, { cause: error });
  }
}

function answer(c: Context, suite: Suite, taken: TakenUpload, url: string): Response {
  switch (taken.kind) {
    case 'refused': {
      const status = ({ uploader: 403, conflict: 409, files: 422, lintian: 422 } as const)[taken.because];
      sayBriefly(c, taken.reasons);
      return c.text(`Refused:\n${taken.reasons.map((reason) => `- ${reason}\n`).join('')}`, status);
    }
    case 'new':
      return c.text(
        `Waits for a person as NEW ${taken.upload.id}: ${taken.upload.names.join(', ')}\n${remarks(taken.upload.lintian)}`,
        201,
      );
    case 'accepted': {
      const { source, version, already, number, isBuilding, tagBuild } = taken;
      if (already) return c.text(`${source} ${version} was accepted before; nothing has changed.\n`, 201);
      const first = isBuilding
        ? `Accepted ${source} ${version}; what did not come with it is built now: ${url}/tag-build/${tagBuild}\n`
        : `Accepted ${source} ${version}; the suite is at ${suite.name}@${number}.\n`;
      return c.text(first + remarks(taken.lintian), 201);
    }
  }
}

/** dput shows nothing of a refusal but the status line: the reasons are its text (RFC 9112, section 4). */
function sayBriefly(c: Context, reasons: readonly string[]): void {
  const { outgoing } = (c.env ?? {}) as { readonly outgoing?: ServerResponse };
  if (outgoing === undefined) return;
  const line = reasons.join('; ').replaceAll(/[^\x20-\x7e]/g, '?');
  outgoing.statusMessage = `Refused: ${line}`.slice(0, mostStatusText);
}

/** What lintian says against an upload that was taken all the same. */
function remarks(tags: readonly LintianTag[] = []): string {
  const told = tags.filter(({ severity, overridden }) => !overridden && /^(?:error|warning)$/.test(severity));
  return lintianReasons(told)
    .map((line) => `${line}\n`)
    .join('');
}

/** Every line is compared, all of it: how long it takes tells nothing. */
function isUploader(lines: string, header: string | undefined): boolean {
  const match = /^Basic ([A-Za-z0-9+/=]{1,1000})$/i.exec(header ?? '');
  const given = digest(Buffer.from(match?.[1] ?? '', 'base64').toString('utf8'));
  let found = false;
  for (const line of lines.split('\n')) {
    const user = line.trim();
    const complete = /^[^:\s]+:\S/.test(user);
    if (timingSafeEqual(digest(user), given) && complete) found = true;
  }
  return found && match !== null;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

async function* body(c: Context): AsyncIterable<Uint8Array> {
  if (c.req.raw.body !== null) yield* c.req.raw.body as unknown as AsyncIterable<Uint8Array>;
}

async function drain(c: Context): Promise<void> {
  if (c.req.raw.body === null || c.req.raw.bodyUsed) return;
  let size = 0;
  try {
    for await (const chunk of body(c)) {
      size += chunk.length;
      if (size > mostDrained) return;
    }
  } catch {
    // The client has gone away.
  }
}
