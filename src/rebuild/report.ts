/** What rebuilds found, counted: which packages differ and why, and what would make how many of them reproducible. */
import { order } from '../kit/order.ts';
import { worstVerdict, type Cause, type CauseKind, type Verdict } from '../model/rebuild.ts';
import {
  listStatuses,
  remember,
  stateOfRebuilds,
  type Believed,
  type Db,
  type FileStatus,
  type StatusFilters,
  type VerdictCounts,
} from './store.ts';

/** A source package's binary packages. */
export type ReportedPackage = {
  /** That of which the verdict and the causes are. */
  readonly rebuild: number;
  readonly source: string;
  readonly version: string;
  readonly architecture: string;
  readonly place: string | undefined;
  readonly verdict: Verdict;
  readonly causes: readonly Cause[];
  readonly reason: string | undefined;
  /** Names of the files that are not reproduced. */
  readonly files: readonly string[];
};

export type CauseCount = {
  readonly kind: CauseKind;
  /** Packages of which it is a confirmed cause. */
  readonly packages: number;
  /** Of these: with no other cause, so that this alone makes them reproducible. */
  readonly alone: number;
};

export type RebuildReport = {
  readonly packages: VerdictCounts;
  readonly causes: readonly CauseCount[];
  /** Packages that differ without a confirmed cause, and those of which one explains but a part. */
  readonly unexplained: number;
  readonly partly: number;
  /** All that were not reproduced, and those that were only with something restored. */
  readonly notable: readonly ReportedPackage[];
};

/** More files than any distribution has. */
const mostFiles = 1_000_000;

/** The causes of a report alone, read once for all who ask before another rebuild is recorded. */
export async function reportCauses(
  db: Db,
  { place, architecture }: Pick<StatusFilters, 'place' | 'architecture'>,
  believed: Believed,
): Promise<Pick<RebuildReport, 'causes' | 'unexplained' | 'partly'>> {
  const name = JSON.stringify(['causes', place, architecture]);
  return remember(db, name, await stateOfRebuilds(db, believed), async () => {
    const all = await listStatuses(db, { place, architecture }, believed, { limit: mostFiles });
    const { causes, unexplained, partly } = makeReport(all);
    return { causes, unexplained, partly };
  });
}

/** Of the status of each file. Where rebuilders disagree, one package's files are of several rebuilds. */
export function makeReport(statuses: readonly FileStatus[]): RebuildReport {
  const keyOf = (row: FileStatus) => [row.source, row.source_version, row.rebuilt_for, row.place].join('\n');
  const packages = [...Map.groupBy(statuses, keyOf).values()].map(toPackage);
  const counts: Record<Verdict, number> = { reproduced: 0, differs: 0, unknown: 0, failed: 0 };
  for (const { verdict } of packages) counts[verdict]++;
  const differing = packages.filter(({ verdict }) => verdict === 'differs');
  return {
    packages: counts,
    causes: countCauses(packages),
    unexplained: differing.filter((each) => kindsOf(each).length === 0).length,
    partly: differing.filter((each) => kindsOf(each).length > 0 && !isWhole(each)).length,
    notable: packages
      .filter((each) => each.verdict !== 'reproduced' || kindsOf(each).length > 0)
      .toSorted((a, b) => order(a.source, b.source) || order(a.architecture, b.architecture)),
  };
}

/** Packages that differ and are not explained, or not wholly, in words; no line where there are none. */
export function openCounts({
  partly,
  unexplained,
}: Pick<RebuildReport, 'partly' | 'unexplained'>): readonly { readonly kind: string; readonly packages: number }[] {
  const open = [
    { kind: 'known in part', packages: partly },
    { kind: 'not known', packages: unexplained },
  ];
  return open.filter(({ packages }) => packages > 0);
}

function toPackage(files: readonly FileStatus[]): ReportedPackage {
  const other = files.filter(({ verdict }) => verdict !== 'reproduced');
  const verdict = worstVerdict(files.map((each) => each.verdict));
  const telling =
    files.find((each) => (verdict === 'reproduced' ? kindsOf(each).length > 0 : each.verdict === verdict)) ?? files[0]!;
  const { rebuild, source, source_version, rebuilt_for, place, causes, reason } = telling;
  return {
    ...{ rebuild, source, version: source_version, architecture: rebuilt_for, causes },
    ...{ place: place ?? undefined, reason: reason ?? undefined, verdict },
    files: other.map(({ file }) => file),
  };
}

function countCauses(packages: readonly ReportedPackage[]): CauseCount[] {
  return [...new Set(packages.flatMap(kindsOf))]
    .map((kind) => {
      const having = packages.filter((each) => kindsOf(each).includes(kind));
      const alone = having.filter((each) => kindsOf(each).length === 1 && isWhole(each));
      return { kind, packages: having.length, alone: alone.length };
    })
    .toSorted((a, b) => b.packages - a.packages || order(a.kind, b.kind));
}

/** Whether its confirmed causes explain all of it. */
function isWhole({ verdict, causes }: ReportedPackage): boolean {
  return verdict === 'reproduced' || causes.every(({ confirmed, explains }) => confirmed && explains === undefined);
}

function kindsOf({ causes }: Pick<ReportedPackage, 'causes'>): CauseKind[] {
  return [...new Set(causes.filter(({ confirmed }) => confirmed).map(({ kind }) => kind))];
}
