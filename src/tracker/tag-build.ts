/** Tag builds: what was asked for, and what intake said to it. */
import type { Refusal, TagBuildState } from '../model/tag-build.ts';
import { limitOf, numberAfter, toPage, type Page, type PageRequest } from './page.ts';
import * as store from './store.ts';
import type { Db, TagBuildFilters, TagBuildRow } from './store.ts';
import { counted, reportedBy, sentence } from './words.ts';

export type TagBuildView = {
  readonly id: number;
  readonly repository: string;
  readonly tag: string;
  readonly suite: string;
  readonly origin: string;
  readonly state: TagBuildState;
  /** One plain sentence: why it is in this state. */
  readonly sentence: string;
  readonly receivedAt: Date;
  readonly judgedAt: Date | undefined;
  readonly doneAt: Date | undefined;
  readonly refusals: readonly Refusal[];
  /** Why it cannot go on now, as one or two sentences; it is tried again by itself. */
  readonly obstacle: string | undefined;
  /** How often the same notification came again. */
  readonly repeats: number;
  readonly duplicateOf: number | undefined;
  readonly source: string | undefined;
  readonly version: string | undefined;
  readonly tagObject: string | undefined;
  readonly commit: string | undefined;
  readonly tree: string | undefined;
  readonly signer: string | undefined;
  readonly signature:
    | { readonly kind: 'openpgp' | 'ssh'; readonly fingerprint: string; readonly created: Date }
    | undefined;
};

/** Newest first. */
export async function listTagBuilds(
  db: Db,
  filters: TagBuildFilters,
  request: PageRequest = {},
): Promise<Page<TagBuildView>> {
  const limit = limitOf(request);
  const rows = await store.listTagBuilds(db, filters, numberAfter(request), limit + 1);
  const passedOver = await store.readPassedOver(
    db,
    rows.flatMap((row) => (row.state === 'DONE' ? [row.id] : [])),
  );
  return toPage(
    rows,
    limit,
    (row) => row.id,
    (row) => viewTagBuild(row, passedOver.has(row.id)),
  );
}

export async function showTagBuild(db: Db, id: number): Promise<TagBuildView | undefined> {
  const row = await store.readTagBuild(db, id);
  return row === undefined ? undefined : viewTagBuild(row, (await store.readPassedOver(db, [id])).has(id));
}

/** Refused tag builds, newest first. */
export function listRefusals(db: Db, request: PageRequest = {}): Promise<Page<TagBuildView>> {
  return listTagBuilds(db, { states: ['REJECTED'] }, request);
}

/** `isPassedOver`: what it made never was in the suite, which has a higher version. */
export function viewTagBuild(row: TagBuildRow, isPassedOver: boolean): TagBuildView {
  return {
    id: row.id,
    repository: row.repository,
    tag: row.tag,
    suite: row.suite,
    origin: row.origin,
    state: row.state,
    sentence: tagBuildSentence(row, isPassedOver),
    receivedAt: row.received_at,
    judgedAt: row.judged_at ?? undefined,
    doneAt: row.done_at ?? undefined,
    refusals: row.refusals,
    obstacle: stalledSentence(row) === undefined ? undefined : (row.obstacle ?? undefined),
    repeats: row.repeats,
    duplicateOf: row.duplicate_of ?? undefined,
    source: row.source ?? undefined,
    version: row.version ?? undefined,
    tagObject: row.tag_object ?? undefined,
    commit: row.commit_object ?? undefined,
    tree: row.tree_object ?? undefined,
    signer: row.signer ?? undefined,
    signature:
      row.signature === null
        ? undefined
        : {
            kind: row.signature.kind,
            fingerprint: row.signature.fingerprint,
            created: new Date(row.signature.created),
          },
  };
}

function tagBuildSentence(row: TagBuildRow, isPassedOver: boolean): string {
  const stalled = stalledSentence(row);
  switch (row.state) {
    case 'RECEIVED':
      if (stalled !== undefined) return `Reported ${reportedBy(row.origin)}. ${stalled}`;
      return `Reported ${reportedBy(row.origin)}; the tag is being fetched and its signature checked.`;
    case 'REJECTED':
      return refusalSentence(row.refusals);
    case 'ACCEPTED':
      if (stalled !== undefined)
        return `${row.upload === null ? 'Admitted' : `Uploaded, ${row.upload.by}`}. ${stalled}`;
      return row.upload === null
        ? 'Admitted; its packages are being made.'
        : `Uploaded, ${row.upload.by}; its packages are being made.`;
    case 'DONE':
      if (isPassedOver) return `Built and not published: ${passedOverReason(row.suite)}.`;
      return row.upload === null
        ? 'Everything it makes is published.'
        : `Uploaded, ${row.upload.by}; everything of it is published.`;
    case 'DUPLICATE':
      return 'Asked for before; nothing was done again.';
  }
}

/** Why a tag build that is under way stands still, though no job of it does. */
export function stalledSentence({ state, obstacle }: Pick<TagBuildRow, 'state' | 'obstacle'>): string | undefined {
  if (obstacle === null || (state !== 'RECEIVED' && state !== 'ACCEPTED')) return undefined;
  return `It cannot go on now, and is tried again: ${sentence(obstacle)}`;
}

export function passedOverReason(suite: string): string {
  return `the suite ${suite} had a higher version by then, or it was removed`;
}

/** The first reason, and how many more there are. */
export function refusalSentence(refusals: readonly Refusal[]): string {
  const [first, ...rest] = refusals;
  if (first === undefined) return 'Refused without a recorded reason.';
  const more = rest.length === 0 ? '' : ` And ${counted(rest.length, 'more reason')}.`;
  return sentence(first.message) + more;
}
