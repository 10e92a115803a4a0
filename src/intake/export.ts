/** What the source job works on: the admitted tree as a tar archive, and the upstream tarball it is built against. */
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

import type { Stanza } from '../formats/deb/deb822.ts';
import { withoutRevision } from '../formats/deb/version.ts';
import { formatTagName } from '../formats/git/mod.ts';
import { parseSha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { InputFile } from '../model/job.ts';
import type { ObjectId } from '../model/names.ts';
import type { Admission, TagBuild } from '../model/tag-build.ts';
import { readDebian, readSourceFormat } from './debian.ts';
import type { TreeFacts } from './facts.ts';
import type { GitObjects, IntakeDeps } from './ports.ts';
import { sourceFormat } from './source-format.ts';
import { writeSourceTar } from './source-tar.ts';
import { findOrig, recordOrig, type OrigTarball } from './store.ts';
import { walkTree } from './walk.ts';

export type SourceExport = {
  readonly inputs: readonly InputFile[];
  /** What debian/control says of the build to come; the .dsc will say the same. */
  readonly control: { readonly source: Stanza; readonly architectures: readonly string[] };
};

/**
 * Stores `tree.tar` (the commit's files below `SOURCE-UPSTREAMVERSION/`, exactly as git has them, without what
 * .gitattributes asks for) and, for 3.0 (quilt), the upstream tarball: the one recorded for this upstream version, or
 * one made from the upstream tag and recorded from now on. Idempotent. Throws `source-gone` when the repository no
 * longer has what was admitted.
 */
export async function exportSource(
  deps: IntakeDeps,
  admission: Admission,
  tagBuild: Pick<TagBuild, 'repository' | 'tag'>,
): Promise<SourceExport> {
  const objects = await openAdmitted(deps, admission, tagBuild);
  try {
    const mtime = new Date(admission.sourceDateEpoch * 1000);
    const directory = `${admission.source}-${withoutRevision(admission.version)}`;
    const { limits } = deps.distribution.git;
    const facts = await walkTree(objects, admission.tree, limits);
    const { files } = facts;
    const tree = await deps.blobs.put(writeSourceTar(objects, { directory, files, mtime }));
    const inputs: InputFile[] = [{ name: 'tree.tar', ...tree }];
    const format = await readSourceFormat(objects, facts);
    if (format.kind === 'ok' && sourceFormat(format.value, admission.version).kind === 'quilt') {
      inputs.push(await origTarball(deps, objects, admission, directory));
    }
    return { inputs, control: await readBuild(objects, facts) };
  } finally {
    await objects.close();
  }
}

async function readBuild(objects: GitObjects, tree: TreeFacts): Promise<SourceExport['control']> {
  const control = (await readDebian(objects, tree))?.control;
  if (control?.kind !== 'ok') throw gone('its debian/control cannot be read any more');
  return {
    source: control.value.source,
    architectures: [...new Set(control.value.binaries.flatMap(({ architecture }) => architecture))],
  };
}

async function origTarball(
  deps: IntakeDeps,
  objects: GitObjects,
  admission: Admission,
  directory: string,
): Promise<InputFile> {
  const version = withoutRevision(admission.version);
  const tarball =
    (await findOrig(deps.db, admission.source, version)) ??
    (await recordOrig(deps.db, admission.source, version, await makeOrig(deps, objects, admission, directory)));
  const digest: Sha256 = parseSha256(tarball.sha256);
  if ((await deps.blobs.info(digest)) === undefined) {
    throw new SheafError(
      'orig-missing',
      `Cannot build ${admission.source} ${admission.version}: the recorded ${tarball.name} is not among the blobs`,
      { hint: `Restore the file with SHA-256 ${tarball.sha256} from a backup.` },
    );
  }
  return { name: tarball.name, sha256: digest, size: tarball.size };
}

/** Files of the upstream tag without its own debian/, which no source package of this format takes from there. */
async function makeOrig(
  deps: IntakeDeps,
  objects: GitObjects,
  admission: Admission,
  directory: string,
): Promise<OrigTarball> {
  if (admission.upstreamTree === undefined) throw gone('its upstream tag was not looked at when it was admitted');
  const { files } = await walkTree(objects, admission.upstreamTree, deps.distribution.git.limits);
  const mtime = new Date(admission.sourceDateEpoch * 1000);
  const gzip = createGzip({ level: 9 });
  const [blob] = await Promise.all([
    deps.blobs.put(gzip),
    pipeline(writeSourceTar(objects, { directory, files, mtime }), gzip),
  ]);
  return { name: `${admission.source}_${withoutRevision(admission.version)}.orig.tar.gz`, ...blob };
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
