/**
 * Judging a tag build: facts are gathered from the repository without any lock, then weighed against the database and
 * written down in one transaction. Safe to run twice, at once, and after a crash at any moment: a row that is no longer
 * RECEIVED is never judged again.
 */
import { withoutRevision } from '../formats/deb/version.ts';
import { SheafError } from '../kit/error.ts';
import type { Admission, Refusal, TagBuildId } from '../model/tag-build.ts';
import { changelogOf, identityOf, type Facts } from './facts.ts';
import { gather } from './gather.ts';
import type { IntakeDeps } from './ports.ts';
import { quote, refuse } from './refusal.ts';
import { checkFacts } from './rules.ts';
import * as store from './store.ts';
import type { Db, TagBuildRow, Verdict } from './store.ts';
import { forgetUnusedOrig } from './store-orig.ts';

export type Judgement =
  | { readonly kind: 'ACCEPTED'; readonly admission: Admission }
  | {
      readonly kind: 'REJECTED';
      readonly refusals: readonly Refusal[];
      /** The earlier row that was refused for the same reasons, and counts this one. */
      readonly repeatOf?: TagBuildId;
    }
  | { readonly kind: 'DUPLICATE'; readonly of: TagBuildId }
  /** Nothing is decided: try again. */
  | { readonly kind: 'PENDING'; readonly reason: string };

/** A repository that cannot be reached for this long is refused. */
const patience = 10 * 60 * 1000;
/** A tag that is reported again while it is judged is looked at again, this often at once. */
const mostLooks = 3;

/** Throws `no-tag-build`, and what is wrong with the machine. */
export async function judgeTag(deps: IntakeDeps, id: TagBuildId): Promise<Judgement> {
  for (let look = 0; look < mostLooks; look++) {
    const row = await store.readTagBuild(deps.db, id);
    if (row === undefined) throw missing(id);
    if (row.state !== 'RECEIVED') return earlier(deps.db, row);
    const now = deps.clock.now();
    const notice = {
      repository: row.repository,
      tag: row.tag,
      suite: row.suite,
      claimedObject: row.claimed_object ?? undefined,
    };
    const { facts, unreachable } = await gather(deps, notice, now);
    if (unreachable !== undefined && now.getTime() - row.received_at.getTime() < patience) {
      return { kind: 'PENDING', reason: unreachable };
    }
    const known = unreachable === undefined ? facts : withTrouble(facts, unreachable);
    const judgement = await store.inTransaction(deps.db, (transaction) =>
      settle(deps, transaction, row, known, deps.clock.now()),
    );
    if (judgement !== undefined) return judgement;
  }
  return { kind: 'PENDING', reason: 'The tag is reported again and again while it is judged.' };
}

function withTrouble(facts: Facts, reason: string): Facts {
  const refusal = refuse(
    'fetch-failed',
    `The repository could not be reached for ten minutes: ${reason}`,
    'Report the tag again once the repository can be reached.',
  );
  return { ...facts, troubles: [...facts.troubles, refusal] };
}

function missing(id: TagBuildId): SheafError {
  return new SheafError('no-tag-build', `Cannot judge tag build ${id}: there is none with this number`);
}

/** What was decided before. */
async function earlier(db: Db, row: TagBuildRow): Promise<Judgement> {
  if (row.state === 'REJECTED') return { kind: 'REJECTED', refusals: row.refusals };
  if (row.state !== 'DUPLICATE') return { kind: 'ACCEPTED', admission: store.toTagBuild(row).admission! };
  const original = await store.readTagBuild(db, row.duplicate_of!);
  return original?.state === 'REJECTED'
    ? { kind: 'REJECTED', refusals: original.refusals, repeatOf: original.id }
    : { kind: 'DUPLICATE', of: row.duplicate_of! };
}

/** Undefined: the tag was reported again since the facts were gathered, so they may be old. */
async function settle(
  deps: IntakeDeps,
  transaction: Db,
  gathered: TagBuildRow,
  facts: Facts,
  now: Date,
): Promise<Judgement | undefined> {
  const row = await store.lockForJudgement(transaction, gathered.id);
  if (row === undefined) throw missing(gathered.id);
  if (row.state !== 'RECEIVED') return earlier(transaction, row);
  if (row.received_at.getTime() !== gathered.received_at.getTime()) return undefined;

  if (facts.object !== undefined) {
    const admitted = await store.findAdmitted(transaction, row, facts.object);
    if (admitted !== undefined) {
      const verdict: Verdict = { state: 'DUPLICATE', duplicate_of: admitted.id, ...seenColumns(facts) };
      await store.writeVerdict(transaction, row.id, verdict, now);
      await store.notify(transaction, 'tag_build', row.id);
      return { kind: 'DUPLICATE', of: admitted.id };
    }
  }
  const { suite } = facts;
  const refusals = checkFacts(
    facts,
    await store.readHistory(transaction, {
      id: row.id,
      repository: row.repository,
      tag: row.tag,
      identity: identityOf(facts),
      suite: suite?.name,
      sisters: [...facts.distribution.suites.values()]
        .filter((other) => other.repository === suite?.repository)
        .map((other) => other.name),
      archiveRepository: suite?.repository,
    }),
  );
  await rememberTag(transaction, row, facts, refusals, now);
  return refusals.length === 0
    ? accept(deps, transaction, row, facts, now)
    : reject(deps, transaction, row, facts, refusals, now);
}

/** A name is bound to its object once it carries a good signature made for that very name. */
async function rememberTag(
  transaction: Db,
  row: TagBuildRow,
  facts: Facts,
  refusals: readonly Refusal[],
  now: Date,
): Promise<void> {
  const { report, object } = facts;
  const isGood = report?.signer !== undefined && report.problems.length === 0;
  if (!isGood || object === undefined || refusals.some(({ code }) => code === 'wrong-object')) return;
  await store.recordSeen(transaction, row, object, now);
}

async function accept(
  deps: IntakeDeps,
  transaction: Db,
  row: TagBuildRow,
  facts: Facts,
  now: Date,
): Promise<Judgement> {
  const admission = toAdmission(facts);
  if (admission.upstreamTree !== undefined) {
    const version = withoutRevision(admission.version);
    await forgetUnusedOrig(transaction, { source: admission.source, version, repository: undefined });
  }
  await store.recordSourceVersion(transaction, row.id, admission);
  await store.writeVerdict(transaction, row.id, { state: 'ACCEPTED', ...seenColumns(facts) }, now);
  await store.recordEvent(transaction, deps.distribution, now, {
    kind: 'tag-accepted',
    message: `${admission.source} ${admission.version}, signed by ${admission.signer}, was admitted to ${row.suite}.`,
    tagBuild: row.id,
    suite: row.suite,
    source: admission.source,
  });
  await store.notify(transaction, 'tag_build', row.id);
  return { kind: 'ACCEPTED', admission };
}

async function reject(
  deps: IntakeDeps,
  transaction: Db,
  row: TagBuildRow,
  facts: Facts,
  refusals: readonly Refusal[],
  now: Date,
): Promise<Judgement> {
  const before = await store.findRefused(transaction, row);
  const columns = { ...seenColumns(facts), refusals };
  if (before !== undefined && isSameRefusal(before, facts, refusals)) {
    await store.countRepeat(transaction, before.id);
    await store.writeVerdict(transaction, row.id, { state: 'DUPLICATE', duplicate_of: before.id, ...columns }, now);
    await store.notify(transaction, 'tag_build', row.id);
    return { kind: 'REJECTED', refusals, repeatOf: before.id };
  }
  await store.writeVerdict(transaction, row.id, { state: 'REJECTED', ...columns }, now);
  const source = identityOf(facts)?.source;
  const more = refusals.length > 1 ? ` (and ${refusals.length - 1} more)` : '';
  await store.recordEvent(transaction, deps.distribution, now, {
    kind: 'tag-refused',
    message: `The tag ${quote(row.tag)} was refused for ${quote(row.suite)}. ${refusals[0]!.message}${more}`,
    tagBuild: row.id,
    suite: row.suite,
    ...(source === undefined ? {} : { source }),
  });
  await store.notify(transaction, 'tag_build', row.id);
  return { kind: 'REJECTED', refusals };
}

function isSameRefusal(before: TagBuildRow, facts: Facts, refusals: readonly Refusal[]): boolean {
  return before.tag_object === (facts.object ?? null) && codesOf(before.refusals) === codesOf(refusals);
}

function codesOf(refusals: readonly Refusal[]): string {
  return refusals.map(({ code }) => code).join(' ');
}

/** What was found out, for the row: also of refused tags. */
function seenColumns(facts: Facts): Omit<Verdict, 'state'> {
  const identity = identityOf(facts);
  const date = changelogOf(facts)?.date;
  return {
    source: identity?.source ?? null,
    version: identity?.version ?? null,
    tag_object: facts.object ?? null,
    commit_object: facts.commit ?? null,
    tree_object: facts.tree ?? null,
    upstream_tree: facts.upstream?.kind === 'found' ? facts.upstream.tree : null,
    source_date_epoch: date === undefined ? null : epoch(date),
    signer: facts.report?.signer ?? null,
    signature: facts.report?.signature,
  };
}

/** Of facts that no rule objected to: every part is there. */
function toAdmission(facts: Facts): Admission {
  const identity = identityOf(facts);
  const { object, commit, tree, report } = facts;
  const entry = changelogOf(facts);
  if (!identity || !entry || !object || !commit || !tree || !report?.signer || !report.signature) {
    throw new SheafError('intake-gap', 'Cannot admit a tag: no rule refused it, but facts about it are missing');
  }
  return {
    ...identity,
    tagObject: object,
    commit,
    tree,
    upstreamTree: facts.upstream?.kind === 'found' ? facts.upstream.tree : undefined,
    sourceDateEpoch: epoch(entry.date),
    signer: report.signer,
    signature: report.signature,
  };
}

function epoch(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}
