/** How many files of a place had which verdict, over time. */
import { sql } from 'kysely';

import type { Db } from '../../db/connect.ts';
import { verdicts, type Verdict } from '../../model/rebuild.ts';
import type { VerdictCounts } from './counts.ts';
import { filesOf, stateOfRebuilds, who, wordsOf, type Believed } from './reading.ts';
import { remember } from './remember.ts';

export type CountsAt = { readonly at: Date; readonly counts: VerdictCounts };

/** Points of a plot: no page needs more. */
const mostPoints = 60;

type Place = { readonly place: string; readonly architecture: string | undefined };

/** What a rebuilder said of a file, which is one version of a package. */
type Word = {
  readonly at: Date;
  readonly package: string;
  readonly sha256: string;
  readonly who: string;
  readonly verdict: Verdict;
};

/** From `at` on, so many more or fewer. */
type Change = { readonly at: number; readonly counts: Record<Verdict, number> };

/**
 * How many files of a place had which verdict at moments from the first rebuild to `until`. Each package counts by its
 * newest file, and that by its status then: the best of what its rebuilders had said last.
 */
export async function countsOverTime(db: Db, place: Place, believed: Believed, until: Date): Promise<CountsAt[]> {
  const name = JSON.stringify(['over time', place.place, place.architecture]);
  const changes = await remember(db, name, await stateOfRebuilds(db, believed), async () =>
    changesOf(await readWords(db, place, believed)),
  );
  return pointsOf(changes, until.getTime());
}

async function readWords(db: Db, { place, architecture }: Place, believed: Believed): Promise<readonly Word[]> {
  let query = wordsOf(db, believed)
    .select([
      'r.finished_at as at',
      sql<string>`f.name || '/' || f.architecture`.as('package'),
      who.as('who'),
      ...(['f.sha256', 'f.verdict'] as const),
    ])
    .where('f.sha256', 'in', filesOf(db, place))
    .orderBy('r.finished_at')
    .orderBy('r.id');
  if (architecture !== undefined) query = query.where('f.architecture', '=', architecture);
  return query.execute();
}

/** A file that was spoken of later is the newer one, and what is said of the one before counts no longer. */
function changesOf(words: readonly Word[]): readonly Change[] {
  const packages = new Map<string, { readonly files: Set<string>; said: Map<string, Verdict>; newest: string }>();
  const changes = new Map<number, Change>();
  for (const { at, package: name, sha256, who, verdict } of words) {
    const known = packages.get(name) ?? { files: new Set<string>(), said: new Map<string, Verdict>(), newest: sha256 };
    packages.set(name, known);
    const before = best(known.said);
    if (!known.files.has(sha256)) {
      known.files.add(sha256);
      known.newest = sha256;
      known.said = new Map();
    }
    if (known.newest !== sha256) continue;
    // What could not be tried takes nothing back.
    if (verdict !== 'unknown' || !known.said.has(who)) known.said.set(who, verdict);
    const change = changes.get(at.getTime()) ?? { at: at.getTime(), counts: none() };
    changes.set(at.getTime(), change);
    if (before !== undefined) change.counts[before]--;
    change.counts[best(known.said)!]++;
  }
  return [...changes.values()];
}

/** As `statusOfFiles` has it. */
function best(said: ReadonlyMap<string, Verdict>): Verdict | undefined {
  const all = new Set(said.values());
  return (['reproduced', 'differs', 'failed', 'unknown'] as const).find((verdict) => all.has(verdict));
}

function pointsOf(changes: readonly Change[], until: number): CountsAt[] {
  const past = changes.filter(({ at }) => at <= until);
  const [first] = past;
  if (first === undefined) return [];
  const step = Math.max(1, (until - first.at) / (mostPoints - 1));
  const running = none();
  const points: CountsAt[] = [];
  let next = 0;
  for (let time = first.at; points.length < mostPoints; time += step) {
    for (; next < past.length && past[next]!.at <= Math.ceil(time); next++) {
      for (const verdict of verdicts) running[verdict] += past[next]!.counts[verdict];
    }
    points.push({ at: new Date(time), counts: { ...running } });
  }
  return points;
}

function none(): Record<Verdict, number> {
  return { reproduced: 0, differs: 0, unknown: 0, failed: 0 };
}
