/**
 * Which update broke it: walks the snapshots between a good one and a bad one, then the packages that changed between the
 * two neighbours that are left, and names the first version with which the test fails.
 *
 * What is tried is a lock, and a lock is tried once: runs are kept by what their locks have, so that the same bisection,
 * started again, goes on where it was.
 */
import { roundsLeft, search, type Verdict } from '../bisect/mod.ts';
import type { SourceGroup } from '../compare/mod.ts';
import type { Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { Lock } from '../model/lock.ts';
import { findPackages, type FoundPackages } from './bisect-packages.ts';
import { findSnapshots, type WalkRequest } from './bisect-snapshots.ts';
import { lockKey, Tries, type Try, type TryDeps } from './bisect-tries.ts';
import { readGroupChangelog, type ChangelogPort, type GroupChangelog } from './compare-changelogs.ts';

export type BisectDeps = TryDeps & {
  /** Of packages of these locks. */
  readonly changelogs: (locks: readonly Lock[]) => ChangelogPort;
};

export type Culprit = SourceGroup & { readonly changelog?: GroupChangelog };

export type BisectResult = Omit<FoundPackages, 'culprits'> & {
  /** Neighbours, as far as what is between them can be tried. */
  readonly good: BisectEnd;
  readonly bad: BisectEnd;
  /** How many snapshots there were, the ends included. */
  readonly snapshots: number;
  /** Those between the neighbours. */
  readonly skipped: readonly string[];
  readonly culprits: readonly Culprit[];
  readonly tries: readonly Try[];
};

export type BisectEnd = { readonly snapshot: string; readonly lock: Sha256 };

/**
 * The specification is for one architecture. Throws `bisect-ends` when the ends are not what they are said to be,
 * `no-snapshots-between`, and what making locks and roots throws.
 */
export async function bisect(deps: BisectDeps, request: WalkRequest): Promise<BisectResult> {
  const { report } = deps;
  const { snapshots, specOf } = await findSnapshots(deps.lock, request);
  const last = snapshots.length - 1;
  report({ kind: 'begin', stage: 'snapshots', states: snapshots.length, rounds: roundsLeft(last) });
  const tries = new Tries(deps);
  const locks = new Map<number, Lock>();
  const verdictOf = async (number: number): Promise<Verdict> => {
    const name = snapshots[number]!;
    const answer = await tries.solve(name, await specOf(name));
    if (typeof answer === 'string') return tries.pass('snapshots', name, answer);
    locks.set(number, answer);
    return tries.run('snapshots', name, answer);
  };
  await verdictOf(0);
  checkEnd('good', tries.list.at(-1)!);
  await verdictOf(last);
  checkEnd('bad', tries.list.at(-1)!);
  const found = await search(last, verdictOf);
  const [good, bad] = [locks.get(found.good)!, locks.get(found.bad)!];
  const { culprits, ...packages } = await findPackages({ tries, report, spec: request.spec, good, bad });
  return {
    good: { snapshot: snapshots[found.good]!, lock: lockKey(good) },
    bad: { snapshot: snapshots[found.bad]!, lock: lockKey(bad) },
    ...{ snapshots: snapshots.length, skipped: snapshots.slice(found.good + 1, found.bad), ...packages },
    culprits: await withChangelogs(culprits, deps.changelogs([good, bad])),
    tries: tries.list,
  };
}

function checkEnd(expected: 'good' | 'bad', { what, verdict, reason, code, lock, log }: Try): void {
  if (verdict === expected) return;
  const why = reason ?? `exit code ${code}`;
  const found =
    verdict === 'skip'
      ? `nothing can be said of the ${expected} snapshot, ${what} (${why})`
      : expected === 'good'
        ? `the test fails in the good snapshot already, ${what} (${why})`
        : `the test does not fail in the bad snapshot, ${what}`;
  throw new SheafError('bisect-ends', `Cannot look for the update: ${found}`, {
    // No root of these packages can be made here.
    kind: verdict === 'skip' && lock !== undefined && code === undefined ? 'environment' : 'refused',
    hint: `Name two snapshots between which the result changes.${log === undefined ? '' : ` What was written: ${log}`}`,
  });
}

/** Nobody reads the changelogs of more packages. */
const mostChangelogs = 8;

async function withChangelogs(groups: readonly SourceGroup[], read: ChangelogPort): Promise<readonly Culprit[]> {
  if (groups.length > mostChangelogs) return groups;
  const culprits: Culprit[] = [];
  for (const group of groups) {
    const changelog = await readGroupChangelog(read, group);
    culprits.push({ ...group, ...(changelog === undefined ? {} : { changelog }) });
  }
  return culprits;
}
