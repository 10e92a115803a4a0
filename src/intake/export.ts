/** What the source job works on: the admitted tree as a tar archive, and the upstream tarball it is built against. */
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

import type { SourceControl } from '../formats/deb/control.ts';
import type { Stanza } from '../formats/deb/deb822.ts';
import { withoutRevision } from '../formats/deb/version.ts';
import { formatTagName } from '../formats/git/mod.ts';
import { parseSha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { InputFile } from '../model/job.ts';
import { isSuiteName, type ObjectId } from '../model/names.ts';
import type { Admission, TagBuild } from '../model/tag-build.ts';
import { readDebian, readSourceFormat } from './debian.ts';
import type { TreeFacts } from './facts.ts';
import type { GitObjects, IntakeDeps } from './ports.ts';
import { sourceFormat } from './source-format.ts';
import { writeSourceTar } from './source-tar.ts';
import { findOrigs, recordOrig, type OrigQuestion, type OrigTarball } from './store-orig.ts';
import { walkTree } from './walk.ts';

export type SourceExport = {
  readonly inputs: readonly InputFile[];
  /** What debian/control says of the build to come; the .dsc will say the same. */
  readonly control: { readonly source: Stanza; readonly architectures: readonly string[] };
};

/**
 * Stores `tree.tar` (the commit's files below `SOURCE-UPSTREAMVERSION/`, exactly as git has them, without what
 * .gitattributes asks for) and, for 3.0 (quilt), the upstream tarballs: those that there are for this upstream version, or
 * one made from the upstream tag and recorded from now on. Idempotent. Throws `source-gone` when the repository no
 * longer has what was admitted.
 */
export async function exportSource(
  deps: IntakeDeps,
  admission: Admission,
  tagBuild: Pick<TagBuild, 'repository' | 'tag' | 'suite'>,
): Promise<SourceExport> {
  const objects = await openAdmitted(deps, admission, tagBuild);
  try {
    const facts = await walkTree(objects, admission.tree, deps.distribution.git.limits);
    const inputs = [await makeTreeTar(deps, objects, admission, facts)];
    const format = await readSourceFormat(objects, facts);
    if (format.kind === 'ok' && sourceFormat(format.value, admission.version).kind === 'quilt') {
      inputs.push(...(await origTarballs(deps, objects, admission, tagBuild.suite)));
    }
    const control = (await readDebian(objects, facts))?.control;
    if (control?.kind !== 'ok') throw gone('its debian/control cannot be read any more');
    return { inputs, control: buildControl(control.value) };
  } finally {
    await objects.close();
  }
}

export type SourceIdentity = Pick<Admission, 'source' | 'version' | 'sourceDateEpoch'>;
type ExportDeps = Pick<IntakeDeps, 'distribution'> & { readonly blobs: Pick<IntakeDeps['blobs'], 'put'> };

export async function makeTreeTar(
  deps: ExportDeps,
  objects: GitObjects,
  identity: SourceIdentity,
  { files }: TreeFacts,
): Promise<InputFile> {
  return { name: 'tree.tar', ...(await deps.blobs.put(writeSourceTar(objects, { ...placeOf(identity), files }))) };
}

function placeOf({ source, version, sourceDateEpoch }: SourceIdentity) {
  return { directory: `${source}-${withoutRevision(version)}`, mtime: new Date(sourceDateEpoch * 1000) };
}

export function buildControl({ source, binaries }: SourceControl): SourceExport['control'] {
  return { source, architectures: [...new Set(binaries.flatMap(({ architecture }) => architecture))] };
}

async function origTarballs(
  deps: IntakeDeps,
  objects: GitObjects,
  admission: Admission,
  suite: string,
): Promise<readonly InputFile[]> {
  const question: OrigQuestion = {
    source: admission.source,
    version: withoutRevision(admission.version),
    repository: isSuiteName(suite) ? deps.distribution.suites.get(suite)?.repository : undefined,
  };
  const make = () => {
    if (admission.upstreamTree === undefined) throw gone('its upstream tag was not looked at when it was admitted');
    return makeOrig(deps, objects, admission, admission.upstreamTree);
  };
  const found = await findOrigs(deps.db, question);
  const tarballs = found.length > 0 ? found : [await recordOrig(deps.db, question, await make())];
  return Promise.all(tarballs.map((tarball) => present(deps, admission, tarball)));
}

async function present(deps: IntakeDeps, { source, version }: Admission, tarball: OrigTarball): Promise<InputFile> {
  const sha256: Sha256 = parseSha256(tarball.sha256);
  if ((await deps.blobs.info(sha256)) === undefined) {
    throw new SheafError(
      'orig-missing',
      `Cannot build ${source} ${version}: the recorded ${tarball.name} is not among the blobs`,
      { hint: `Restore the file with SHA-256 ${sha256} from a backup.` },
    );
  }
  return { name: tarball.name, sha256, size: tarball.size };
}

/** Files of the upstream tag without its own debian/, which no source package of this format takes from there. */
export async function makeOrig(
  deps: ExportDeps,
  objects: GitObjects,
  identity: SourceIdentity,
  upstreamTree: ObjectId,
): Promise<InputFile> {
  const { files } = await walkTree(objects, upstreamTree, deps.distribution.git.limits);
  const gzip = createGzip({ level: 9 });
  const [blob] = await Promise.all([
    deps.blobs.put(gzip),
    pipeline(writeSourceTar(objects, { ...placeOf(identity), files }), gzip),
  ]);
  return { name: `${identity.source}_${withoutRevision(identity.version)}.orig.tar.gz`, ...blob };
}

/** The objects of the admission; fetched again when our copy of the repository was lost. */
async function openAdmitted(
  deps: IntakeDeps,
  admission: Admission,
  { repository, tag }: Pick<TagBuild, 'repository' | 'tag'>,
): Promise<GitObjects> {
  const needed = [admission.tree, ...(admission.upstreamTree === undefined ? [] : [admission.upstreamTree])];
  const kept = await deps.git.open(repository);
  if (await hasAll(kept, needed)) return kept;
  await kept.close();
  const { upstreamTagFormat } = deps.distribution.git;
  const upstream = formatTagName(upstreamTagFormat, withoutRevision(admission.version));
  for (const name of admission.upstreamTree === undefined ? [tag] : [tag, upstream]) {
    const outcome = await deps.git.fetchTag(repository, name);
    if (outcome.kind === 'unreachable')
      throw new SheafError('tag-pending', `Cannot fetch tag "${name}": ${outcome.reason}`);
    if (outcome.kind === 'refused') throw gone(outcome.refusal.message);
  }
  const fetched = await deps.git.open(repository);
  if (await hasAll(fetched, needed)) return fetched;
  await fetched.close();
  throw gone('its tags now point elsewhere');
}

async function hasAll(objects: GitObjects, ids: readonly ObjectId[]): Promise<boolean> {
  try {
    for (const id of ids) if ((await objects.info(id)) === undefined) return false;
    return true;
  } catch (error) {
    // No repository at all: git ends at once.
    if (error instanceof SheafError && error.code === 'git-failed') return false;
    throw error;
  }
}

function gone(state: string): SheafError {
  return new SheafError('source-gone', `Cannot export the admitted source: ${state}`, {
    hint: 'Tag a new version and report that.',
  });
}
