/** `sheaf suite include`: uploads from files on this machine. */
import { closeSync, createReadStream, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { takeUploads, type TakenUpload } from '../../../flows/take-upload.ts';
import { parseChanges } from '../../../formats/deb/changes.ts';
import { parseDsc } from '../../../formats/deb/dsc.ts';
import { SheafError } from '../../../kit/error.ts';
import type { InputFile } from '../../../model/job.ts';
import type { LintianTag } from '../../../model/lintian.ts';
import { runLintian } from '../../../plumbing/lintian.ts';
import { verifyDocument } from '../../../plumbing/upload-signature.ts';
import type { House } from '../../house.ts';
import { formatLintianTag, summariseLintian } from '../../../upload/mod.ts';
import { commandLineActor } from '../actor.ts';
import { clean } from '../clean.ts';
import { formatUnlisted } from './publish.ts';
import { findSuite } from './show.ts';

export type IncludeOptions = {
  readonly files: readonly string[];
  readonly unsigned: boolean;
  readonly withoutSource: boolean;
  readonly component: string | undefined;
};

/** What became of each `.changes`, `.dsc` and `.deb` that was named. */
export type Included = { readonly file: string; readonly result: TakenUpload };

const largestDescription = 2 ** 22;

/** Sources before what is built from them. Each upload is taken whole or not at all, whatever becomes of the others. */
export async function include(house: House, suiteName: string, options: IncludeOptions): Promise<readonly Included[]> {
  const suite = findSuite(house, suiteName);
  const files = options.files.toSorted((a, b) => rank(a) - rank(b));
  for (const file of files) refuseMissing(file);
  const facts = {
    ...{ component: options.component, withoutSource: options.withoutSource, remote: false },
    unsigned: options.unsigned ? commandLineActor() : undefined,
  };
  async function* parts() {
    for (const part of readParts(files)) {
      const uploads = await storeParts(house, part);
      yield uploads.map((upload) => ({ ...facts, ...upload }));
    }
  }
  const deps = { archive: house.archive, verifyDocument, runLintian };
  const results = await takeUploads(deps, suite, parts(), () => house.clock.now());
  return files.map((file, at) => ({ file, result: results[at]! }));
}

function rank(file: string): number {
  const order = ['.dsc', '.changes', '.deb'].findIndex((ending) => file.endsWith(ending));
  if (order !== -1) return order;
  throw new SheafError('not-an-upload', `Cannot include ${file}: it is no .changes, .dsc or .deb`, {
    kind: 'usage',
    hint: 'Name the .changes: its files are found beside it.',
  });
}

/** A file of an upload: its bytes, unless it is too large for that. */
type Read = { readonly path: string; readonly bytes: Uint8Array | undefined };

const largestInMemory = 2 ** 23;
/** Of the files that are in memory at a time; and the uploads that are taken at a time. */
const mostBytes = 2 ** 25;
const mostUploads = 1000;

/** The files of as many uploads as one takes at a time. Their bytes are there until the next are asked for. */
function* readParts(paths: readonly string[]): Generator<readonly (readonly Read[])[]> {
  const room = new Room();
  let part: (readonly Read[])[] = [];
  for (const path of paths) {
    part.push(readUpload(path, room));
    if (room.used < mostBytes && part.length < mostUploads) continue;
    yield part;
    part = [];
    room.used = 0;
  }
  if (part.length > 0) yield part;
}

/** The same memory for all: new buffers again and again would have the garbage collector look at everything often. */
class Room {
  used = 0;
  readonly #bytes = Buffer.allocUnsafeSlow(mostBytes);

  read(path: string): Uint8Array {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      if (this.used + size > mostBytes) {
        // What an upload has more than there is room for.
        this.used = mostBytes;
        return readFileSync(file);
      }
      const into = this.#bytes.subarray(this.used, this.used + size);
      let filled = 0;
      for (let count = -1; filled < size && count !== 0; filled += count) {
        count = readSync(file, into, filled, size - filled, filled);
      }
      this.used += size;
      return into.subarray(0, filled);
    } finally {
      closeSync(file);
    }
  }
}

/** The file and those that it lists. What is not there is left out: the archive says what it misses. */
function readUpload(path: string, room: Room): readonly Read[] {
  const files = [read(path, room)];
  const seen = new Set([basename(path)]);
  const queue = [...files];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const name of listedIn(next)) {
      const beside = join(dirname(path), name);
      if (seen.has(name) || !isFile(beside)) continue;
      seen.add(name);
      const file = read(beside, room);
      files.push(file);
      // A .changes may leave out the upstream tarball that its .dsc names.
      if (name.endsWith('.dsc')) queue.push(file);
    }
  }
  return files;
}

function read(path: string, room: Room): Read {
  return { path, bytes: statSync(path).size > largestInMemory ? undefined : room.read(path) };
}

/** Plain names: the readers refuse any other. What cannot be read is judged by the archive. */
function listedIn({ path, bytes }: Read): readonly string[] {
  if (path.endsWith('.deb') || bytes === undefined || bytes.length > largestDescription) return [];
  const text = new TextDecoder().decode(bytes);
  try {
    const { files } = path.endsWith('.changes') ? parseChanges(text) : parseDsc(text);
    return files.map((file) => file.name);
  } catch (error) {
    if (error instanceof SheafError) return [];
    throw error;
  }
}

/** As blobs; what was written now is known to be what was hashed. */
async function storeParts({ blobs }: House, uploads: readonly (readonly Read[])[]) {
  const all = uploads.flat();
  const small = all.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]));
  const stored = new Map((await blobs.putAll(small)).map((info, at) => [small[at]!, info]));
  const kept = new Map([...stored].flatMap(([bytes, info]) => (info.isNew ? [[info.sha256, bytes] as const] : [])));
  const inputs = new Map<Read, InputFile>();
  for (const file of all) {
    const { sha256, size } =
      file.bytes === undefined ? await blobs.put(createReadStream(file.path)) : stored.get(file.bytes)!;
    inputs.set(file, { name: basename(file.path), sha256, size });
  }
  return uploads.map((files) => ({ kept, files: files.map((file) => inputs.get(file)!) }));
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function refuseMissing(path: string): void {
  if (isFile(path)) return;
  throw new SheafError('no-file', `Cannot include ${path}: there is no such file`, { kind: 'usage' });
}

export function formatIncluded(suite: string, { file, result }: Included): string[] {
  switch (result.kind) {
    case 'refused':
      return [`Refused ${file}:`, ...result.reasons.map((reason) => `  ${reason}`)];
    case 'new': {
      const { id, names, lintian } = result.upload;
      const waits = `${file} waits for a person as NEW ${id}: ${names.join(', ')}. See: sheaf new show ${id}`;
      return [waits, ...formatLintian(lintian)];
    }
    case 'accepted': {
      const { source, version, packages, already, number, isBuilding, lintian, unlisted } = result;
      if (already)
        return [`Nothing new: ${source} ${version} was accepted into ${suite} before; it is at ${suite}@${number}.`];
      const builds = `What did not come with it is built by the workers. See: sheaf package show ${source}`;
      const accepted =
        packages.length > 0
          ? `Accepted ${source} ${version}: ${packages.join(' ')}, in ${suite}@${number}.`
          : `Accepted source ${source} ${version}: it comes into ${suite} with its first binary packages.`;
      return [accepted, ...formatUnlisted(unlisted), ...(isBuilding ? [builds] : []), ...formatLintian(lintian)];
    }
  }
}

function formatLintian(tags: readonly LintianTag[] | undefined): string[] {
  if (tags === undefined) return [];
  return [`${summariseLintian(tags)}.`, ...tags.map((tag) => `  ${clean(formatLintianTag(tag))}`)];
}
