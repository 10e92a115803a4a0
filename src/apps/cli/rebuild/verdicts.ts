/** Published files and the verdict on each. */
import { SheafError } from '../../../kit/error.ts';
import { suggestion } from '../../../kit/spelling.ts';
import { verdicts, type CauseKind, type Verdict } from '../../../model/rebuild.ts';
import {
  believedRebuilders,
  describeRebuilders,
  describeWhy,
  findRebuilds,
  listStatuses,
  viewStatuses,
  type RebuiltFileView,
  type VerdictCounts,
} from '../../../rebuild/mod.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { styleState } from '../style.ts';
import { formatTable, text } from '../table.ts';

export type ListOptions = {
  readonly verdict?: Verdict | undefined;
  readonly cause?: CauseKind | undefined;
  readonly place?: string | undefined;
  readonly architecture?: string | undefined;
  readonly disputed?: boolean | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
};

/** Where a list or a report is empty. */
export const nothingRebuilt = 'Nothing was rebuilt that fits. To rebuild something: sheaf rebuild run';

export type RebuiltPage = { readonly files: readonly RebuiltFileView[]; readonly next: string | undefined };

export async function listRebuilt(
  { db, distribution }: Pick<House, 'db' | 'distribution'>,
  { limit, after, ...filters }: ListOptions,
): Promise<RebuiltPage> {
  const believed = believedRebuilders(distribution);
  const rows = await listStatuses(db, filters, believed, { after, limit: limit + 1 });
  if (rows.length === 0) await checkPlace({ db, distribution }, filters.place);
  const shown = rows.slice(0, limit);
  return { files: await viewStatuses(db, shown, believed), next: rows.length > limit ? shown.at(-1)!.key : undefined };
}

/** For a place of which there is nothing to tell. Throws `unknown-place` when there is none of this name. */
export async function checkPlace(
  { db, distribution }: Pick<House, 'db' | 'distribution'>,
  place: string | undefined,
): Promise<void> {
  const followed = [...distribution.upstreams.values()].flatMap(({ name, suites }) =>
    suites.map((suite) => `${name}/${suite}`),
  );
  const known = [...distribution.suites.keys(), ...followed];
  if (place === undefined || known.includes(place) || (await findRebuilds(db, { place })).length > 0) return;
  const state = `no suite is called so${suggestion(place, known)}`;
  throw new SheafError('unknown-place', `Cannot list what was rebuilt of "${place}": ${state}`, {
    kind: 'usage',
    hint: `There is ${known.join(', ')}.`,
  });
}

export function formatStatuses({ files, next }: RebuiltPage): string[] {
  if (files.length === 0) return [nothingRebuilt];
  const more = next === undefined ? [] : ['', clean(`There are more: --after ${next}`)];
  return [...formatTable(files, columns), ...more];
}

const columns = [
  { title: 'verdict', cell: (row: RebuiltFileView) => styleState(row.verdict) },
  text<RebuiltFileView>('package', (row) => row.name),
  text<RebuiltFileView>('version', (row) => row.version),
  text<RebuiltFileView>('architecture', (row) => row.architecture),
  text<RebuiltFileView>('place', (row) => row.place),
  text<RebuiltFileView>('rebuild', (row) => row.rebuild),
  text<RebuiltFileView>('rebuilder', describeRebuilders),
  text<RebuiltFileView>('why', whyNot),
];

/** A reason as a row of a table has it; sheaf rebuild show has all of it. */
export function cutReason(reason: string): string {
  return reason.length <= longestReason ? reason : `${reason.slice(0, longestReason - 1)}…`;
}

const longestReason = 160;

export function whyNot(of: Pick<RebuiltFileView, 'reason' | 'causes'>): string | undefined {
  const why = describeWhy(of);
  return why && cutReason(why);
}

/** `3 reproduced, 1 differs`; what is not there is left out. */
export function formatCounts(counts: VerdictCounts): string {
  return verdicts
    .filter((verdict) => counts[verdict] > 0)
    .map((verdict) => `${counts[verdict]} ${verdict}`)
    .join(', ');
}
