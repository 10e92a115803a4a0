/**
 * What the source job works on, from a working tree: the same as for a signed tag, but nobody is asked who may, and the
 * upstream tarball is looked for where dpkg-source does, beside the tree.
 */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { withoutRevision } from '../formats/deb/version.ts';
import { formatTagName } from '../formats/git/mod.ts';
import { SheafError } from '../kit/error.ts';
import type { InputFile } from '../model/job.ts';
import { readDebian } from './debian.ts';
import { buildControl, makeOrig, makeTreeTar, type SourceExport, type SourceIdentity } from './export.ts';
import { changelogOf, identityOf, noFacts, type Facts } from './facts.ts';
import { readUpstream } from './gather.ts';
import type { IntakeDeps, WorkingTree } from './ports.ts';
import { checkTree } from './rules.ts';
import { sourceFormat } from './source-format.ts';
import { walkTree } from './walk.ts';

export type WorkingTreeDeps = Pick<IntakeDeps, 'distribution'> & { readonly blobs: Pick<IntakeDeps['blobs'], 'put'> };

export type WorkingSource = SourceIdentity &
  SourceExport & {
    /** Those that the changelog entry names. */
    readonly distributions: readonly string[];
    /** Where the upstream tarball is from: a path, or a tag's name. Undefined for a native package. */
    readonly upstream: { readonly kind: 'file' | 'tag'; readonly name: string } | undefined;
  };

/** Throws `no-source`, `bad-source` and `orig-missing`, each with the file that it is about. */
export async function exportWorkingTree(
  deps: WorkingTreeDeps,
  directory: string,
  { tree, objects, findTag }: WorkingTree,
): Promise<WorkingSource> {
  const { distribution } = deps;
  const notice = { repository: directory, tag: '', suite: '', claimedObject: undefined };
  const files = await walkTree(objects, tree, distribution.git.limits);
  const facts: Facts = {
    ...noFacts(notice, new Date(0), distribution),
    files,
    debian: files.overLimit === undefined ? await readDebian(objects, files) : undefined,
  };
  refuseBad(directory, facts);
  const { source, version } = identityOf(facts)!;
  const { date, distributions } = changelogOf(facts)!;
  const identity = { source, version, sourceDateEpoch: Math.floor(date.getTime() / 1000) };
  const { control, format } = facts.debian!;
  if (control.kind !== 'ok' || format.kind !== 'ok') throw new Error('a bad tree was not refused');
  const treeTar = await makeTreeTar(deps, objects, identity, files);
  const about = { ...identity, distributions, control: buildControl(control.value) };
  if (sourceFormat(format.value, version).kind === 'native')
    return { ...about, inputs: [treeTar], upstream: undefined };

  const beside = await findBeside(deps, directory, identity);
  if (beside !== undefined) {
    return { ...about, inputs: [treeTar, ...beside.inputs], upstream: { kind: 'file', name: beside.path } };
  }
  const tag = formatTagName(distribution.git.upstreamTagFormat, withoutRevision(version));
  const object = await findTag(tag);
  if (object === undefined) throw noOrig(directory, identity, tag);
  const upstream = await readUpstream(deps, objects, tag, object);
  if (upstream.kind !== 'found') throw noOrig(directory, identity, tag);
  refuseBad(directory, { ...facts, upstream });
  const orig = await makeOrig(deps, objects, identity, upstream.tree);
  return { ...about, inputs: [treeTar, orig], upstream: { kind: 'tag', name: tag } };
}

/**
 * `SOURCE_VERSION.orig.tar.EXT`, with further components (`.orig-NAME.tar.EXT`) and signatures, in the directory above:
 * dpkg-source(1), "Format: 3.0 (quilt)".
 */
async function findBeside(
  { blobs }: WorkingTreeDeps,
  directory: string,
  { source, version }: SourceIdentity,
): Promise<{ readonly path: string; readonly inputs: readonly InputFile[] } | undefined> {
  const above = dirname(directory);
  const start = `${source}_${withoutRevision(version)}.orig`;
  const names = (await readdir(above)).filter(
    (name) => name.startsWith(start) && isOrigEnding(name.slice(start.length)),
  );
  const main = names.filter((name) => name.startsWith(`${start}.tar.`) && !name.endsWith('.asc'));
  const [only, other] = main;
  if (only === undefined) return undefined;
  if (other !== undefined) {
    throw new SheafError('bad-source', `Cannot build ${directory}: ${above} has both ${only} and ${other}`, {
      kind: 'usage',
      hint: 'Move the one away that is not the upstream tarball.',
    });
  }
  const inputs: InputFile[] = [];
  for (const name of names.toSorted()) {
    const path = join(above, name);
    if ((await stat(path)).isFile()) inputs.push({ name, ...(await blobs.put(createReadStream(path))) });
  }
  return { path: join(above, only), inputs };
}

const isOrigEnding = (text: string): boolean => /^(?:-[A-Za-z0-9-]+)?\.tar\.(?:gz|bz2|lzma|xz)(?:\.asc)?$/.test(text);

function refuseBad(directory: string, facts: Facts): void {
  const refusals = checkTree(facts);
  const [first] = refusals;
  if (first === undefined) return;
  const reasons = refusals.map(({ message }) => message.replace(/\.$/, '')).join('; ');
  throw new SheafError('bad-source', `Cannot build ${directory}: ${reasons}`, { kind: 'usage', hint: first.hint });
}

function noOrig(directory: string, { source, version }: SourceIdentity, tag: string): SheafError {
  const file = `${source}_${withoutRevision(version)}.orig.tar.*`;
  return new SheafError(
    'orig-missing',
    `Cannot build ${directory}: its upstream tarball ${file} is not in ${dirname(directory)}, and there is no tag ${tag} to make it from`,
    {
      kind: 'usage',
      hint: 'Bring it there: "origtargz" and "apt-get source --download-only" fetch it, "pristine-tar checkout" makes it.',
    },
  );
}
