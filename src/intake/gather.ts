/** Finding out: the tag is fetched and read as far as it goes. What stops the reading becomes a refusal. */
import { withoutRevision } from '../formats/deb/version.ts';
import { formatTagName, parseCommit, parseTag, tagNameProblem, type Tag } from '../formats/git/mod.ts';
import { describeError, SheafError } from '../kit/error.ts';
import type { ObjectId } from '../model/names.ts';
import type { Refusal } from '../model/tag-build.ts';
import { readDebian } from './debian.ts';
import { identityOf, noFacts, type Facts, type Notice, type Target, type UpstreamFacts } from './facts.ts';
import type { GitObjects, IntakeDeps } from './ports.ts';
import { quote, refuse } from './refusal.ts';
import { sourceFormat } from './source-format.ts';
import { hasOrigs } from './store-orig.ts';
import { walkTree } from './walk.ts';

export type Gathered = {
  readonly facts: Facts;
  /** Set when the repository could not be reached: facts are incomplete, and another try may tell more. */
  readonly unreachable: string | undefined;
};

/** A commit object larger than this is not read. */
const largestCommit = 2 ** 20;
/** Tags of tags of an upstream tag are followed this far. */
const mostTags = 5;

export async function gather(deps: IntakeDeps, notice: Notice, now: Date): Promise<Gathered> {
  const { distribution } = deps;
  const empty = noFacts(notice, now, distribution);
  // The rules on the notice say what is wrong with such a name; git need not be asked.
  if (tagNameProblem(notice.tag) !== undefined) return { facts: empty, unreachable: undefined };
  const outcome = await deps.git.fetchTag(notice.repository, notice.tag);
  if (outcome.kind === 'unreachable') return { facts: empty, unreachable: outcome.reason };
  if (outcome.kind === 'refused') return { facts: { ...empty, troubles: [outcome.refusal] }, unreachable: undefined };
  const objects = await deps.git.open(notice.repository);
  try {
    const facts = await read(deps, objects, { ...empty, object: outcome.object }, now);
    return await withUpstream(deps, objects, facts);
  } finally {
    await objects.close();
  }
}

async function read(deps: IntakeDeps, objects: GitObjects, start: Facts, now: Date): Promise<Facts> {
  const { limits } = deps.distribution.git;
  const object = start.object!;
  let facts = start;
  try {
    const info = await objects.info(object);
    const target = await readTarget(objects, object, info?.type, limits.tag);
    facts = { ...facts, target };
    const report = await checkSignature(deps, target, now);
    facts = { ...facts, report };
    const commit = commitOf(object, target);
    if (commit === undefined) return facts;
    const read = await objects.read(commit, largestCommit);
    if (read.type !== 'commit') return { ...facts, target: { kind: 'other', type: read.type } };
    const tree = parseCommit(read.bytes).tree as ObjectId;
    facts = { ...facts, commit, tree };
    const files = await walkTree(objects, tree, limits);
    facts = { ...facts, files };
    return { ...facts, debian: await readDebian(objects, files) };
  } catch (error) {
    return { ...facts, troubles: [...facts.troubles, toRefusal(error)] };
  }
}

async function readTarget(
  objects: GitObjects,
  object: ObjectId,
  type: string | undefined,
  limit: number,
): Promise<Target> {
  if (type === 'commit') return { kind: 'lightweight' };
  if (type === 'tree' || type === 'blob') return { kind: 'other', type };
  const { bytes } = await objects.read(object, limit);
  try {
    return { kind: 'annotated', tag: parseTag(bytes) };
  } catch (error) {
    return { kind: 'malformed', reason: describeError(error) };
  }
}

async function checkSignature(deps: IntakeDeps, target: Target, now: Date): Promise<Facts['report']> {
  const signature = target.kind === 'annotated' ? target.tag.signature : undefined;
  if (target.kind !== 'annotated' || signature === undefined || signature.kind === 'x509') return undefined;
  return deps.signatures.verify({
    kind: signature.kind,
    armor: signature.armor,
    signed: target.tag.signed,
    taggerDate: target.tag.tagger?.date,
    people: [...deps.distribution.people.values()],
    now,
  });
}

function commitOf(object: ObjectId, target: Target): ObjectId | undefined {
  if (target.kind === 'lightweight') return object;
  return target.kind === 'annotated' && target.tag.type === 'commit' ? (target.tag.object as ObjectId) : undefined;
}

function toRefusal(error: unknown): Refusal {
  if (!(error instanceof SheafError)) throw error;
  switch (error.code) {
    case 'git-object-missing':
      return refuse(
        'commit-not-found',
        `The repository does not have all that the tag names. ${error.message}.`,
        'Push the branch with the commit, and the tag once more; git fsck shows what is missing.',
      );
    case 'git-object-too-large':
      return refuse(
        'over-limit',
        `${error.message}.`,
        'Make it smaller, or have the limit raised: "max-…" below [git] in sheaf.toml.',
      );
    case 'git-object-corrupt':
    case 'bad-git-object':
      return refuse('fetch-failed', `The repository is damaged. ${describeError(error)}.`, 'Check it with git fsck.');
    default:
      throw error;
  }
}

/** A non-native package needs an upstream tarball: a recorded one, or the upstream tag to make it from. */
async function withUpstream(deps: IntakeDeps, objects: GitObjects, facts: Facts): Promise<Gathered> {
  const identity = identityOf(facts);
  const format = facts.debian?.format;
  const done = { facts, unreachable: undefined };
  if (identity === undefined || format?.kind !== 'ok') return done;
  if (sourceFormat(format.value, identity.version).kind !== 'quilt') return done;
  const version = withoutRevision(identity.version);
  const question = { source: identity.source, version, repository: facts.suite?.repository };
  if (await hasOrigs(deps.db, question)) {
    return { facts: { ...facts, upstream: { kind: 'recorded' } }, unreachable: undefined };
  }
  const tag = formatTagName(deps.distribution.git.upstreamTagFormat, version);
  const outcome = await deps.git.fetchTag(facts.notice.repository, tag);
  if (outcome.kind === 'unreachable') return { facts, unreachable: outcome.reason };
  if (outcome.kind === 'refused') {
    const upstream: UpstreamFacts = { kind: 'absent', tag, reason: outcome.refusal.message };
    return { facts: { ...facts, upstream }, unreachable: undefined };
  }
  const upstream = await readUpstream(deps, objects, tag, outcome.object);
  return { facts: { ...facts, upstream }, unreachable: undefined };
}

export async function readUpstream(
  deps: Pick<IntakeDeps, 'distribution'>,
  objects: GitObjects,
  tag: string,
  object: ObjectId,
): Promise<UpstreamFacts> {
  const { limits } = deps.distribution.git;
  try {
    let id = object;
    for (let tags = 0; tags <= mostTags; tags++) {
      const read = await objects.read(id, Math.max(limits.tag, largestCommit));
      if (read.type === 'commit') {
        const tree = parseCommit(read.bytes).tree as ObjectId;
        return { kind: 'found', tag, tree, files: await walkTree(objects, tree, limits) };
      }
      if (read.type !== 'tag') break;
      const inner: Tag = parseTag(read.bytes);
      id = inner.object as ObjectId;
    }
    return { kind: 'absent', tag, reason: `${quote(tag)} does not lead to a commit.` };
  } catch (error) {
    return { kind: 'absent', tag, reason: toRefusal(error).message };
  }
}
