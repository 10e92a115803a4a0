/** `sheaf suite include`: uploads from files on this machine. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { takeUpload, type TakenUpload } from '../../../flows/take-upload.ts';
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
import { findSuite } from './show.ts';

export type IncludeOptions = {
  readonly files: readonly string[];
  readonly unsigned: boolean;
  readonly component: string | undefined;
};

/** What became of each `.changes`, `.dsc` and `.deb` that was named. */
export type Included = { readonly file: string; readonly result: TakenUpload };

const largestDescription = 2 ** 22;

/** Sources before what is built from them. Each upload is taken whole or not at all, whatever becomes of the others. */
export async function include(house: House, suiteName: string, options: IncludeOptions): Promise<readonly Included[]> {
  const suite = findSuite(house, suiteName);
  const included: Included[] = [];
  for (const file of options.files.toSorted((a, b) => rank(a) - rank(b))) {
    const files = await readUpload(house, file);
    const offer = {
      ...{ suite, files, component: options.component, remote: false },
      unsigned: options.unsigned ? commandLineActor() : undefined,
    };
    const deps = { archive: house.archive, verifyDocument, runLintian };
    included.push({ file, result: await takeUpload(deps, offer, house.clock.now()) });
  }
  return included;
}

function rank(file: string): number {
  const order = ['.dsc', '.changes', '.deb'].findIndex((ending) => file.endsWith(ending));
  if (order !== -1) return order;
  throw new SheafError('not-an-upload', `Cannot include ${file}: it is no .changes, .dsc or .deb`, {
    kind: 'usage',
    hint: 'Name the .changes: its files are found beside it.',
  });
}

/** The file and those that it lists, as blobs. What is not there is left out: the archive says what it misses. */
async function readUpload(house: House, path: string): Promise<readonly InputFile[]> {
  const files = [await store(house, path)];
  const seen = new Set([basename(path)]);
  const queue = [path];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const name of await listedIn(next)) {
      const beside = join(dirname(path), name);
      if (seen.has(name) || !(await isFile(beside))) continue;
      seen.add(name);
      files.push(await store(house, beside));
      // A .changes may leave out the upstream tarball that its .dsc names.
      if (name.endsWith('.dsc')) queue.push(beside);
    }
  }
  return files;
}

/** Plain names: the readers refuse any other. What cannot be read is judged by the archive. */
async function listedIn(path: string): Promise<readonly string[]> {
  if (path.endsWith('.deb') || (await stat(path)).size > largestDescription) return [];
  const text = await readFile(path, 'utf8');
  try {
    const { files } = path.endsWith('.changes') ? parseChanges(text) : parseDsc(text);
    return files.map((file) => file.name);
  } catch (error) {
    if (error instanceof SheafError) return [];
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function store(house: House, path: string): Promise<InputFile> {
  if (!(await isFile(path))) {
    throw new SheafError('no-file', `Cannot include ${path}: there is no such file`, { kind: 'usage' });
  }
  return { name: basename(path), ...(await house.blobs.put(createReadStream(path))) };
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
      const { source, version, packages, already, number, isBuilding, lintian } = result;
      if (already)
        return [`Nothing new: ${source} ${version} was accepted into ${suite} before; it is at ${suite}@${number}.`];
      const builds = `What did not come with it is built by the workers. See: sheaf package show ${source}`;
      const accepted =
        packages.length > 0
          ? `Accepted ${source} ${version}: ${packages.join(' ')}, in ${suite}@${number}.`
          : `Accepted source ${source} ${version}: it comes into ${suite} with its first binary packages.`;
      return [accepted, ...(isBuilding ? [builds] : []), ...formatLintian(lintian)];
    }
  }
}

function formatLintian(tags: readonly LintianTag[] | undefined): string[] {
  if (tags === undefined) return [];
  return [`${summariseLintian(tags)}.`, ...tags.map((tag) => `  ${clean(formatLintianTag(tag))}`)];
}
