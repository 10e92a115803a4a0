/** All names of packages in memory: a part inside of a name is found in a millisecond, which no index of the database does. */
import { listTrackedSuites, searchNames, type TrackedSuite } from '../../history/mod.ts';
import type { PackageEntry } from '../../model/index-history.ts';
import type { Db } from '../../tracker/store.ts';

export type FoundName = { readonly name: string; readonly kind: PackageEntry['kind'] };

export type NameList = {
  /** Names that have `part` inside, not those that begin with it; in order. */
  readonly findInside: (part: string, limit: number) => Promise<FoundName[]>;
};

/** Debian has 130,000 in three suites. */
const mostNames = 2_000_000;
const kinds = ['binary', 'source'] as const;

/** Names of one kind, one on each line. */
type Names = Readonly<Record<FoundName['kind'], string>>;

/** Read when first asked; again, while the old list still answers, when a suite has a new snapshot. */
export function nameList(db: Db, report: (error: unknown) => void): NameList {
  let names: Names | undefined;
  let state: string | undefined;
  let reading: Promise<void> | undefined;

  async function refresh(wanted: string): Promise<void> {
    const found = await searchNames(db, { prefix: '', limit: mostNames });
    const text = (kind: FoundName['kind']) =>
      `\n${found.map((each) => (each.kind === kind ? `${each.name}\n` : '')).join('')}`;
    names = { binary: text('binary'), source: text('source') };
    state = wanted;
  }

  return {
    async findInside(part, limit) {
      if (part === '' || part.includes('\n')) return [];
      const wanted = stateOf(await listTrackedSuites(db));
      if (wanted !== state) {
        reading ??= refresh(wanted).finally(() => (reading = undefined));
        if (names === undefined) await reading;
        else reading.catch(report);
      }
      return kinds.flatMap((kind) => search(names![kind], part, limit).map((name) => ({ name, kind })));
    },
  };
}

/** Names come only with snapshots. */
function stateOf(suites: readonly TrackedSuite[]): string {
  return suites.map((each) => [each.origin, each.suite, each.newest, each.snapshots].join(' ')).join('\n');
}

function search(lines: string, part: string, limit: number): string[] {
  const found: string[] = [];
  for (let at = lines.indexOf(part); at !== -1 && found.length < limit;) {
    const [start, end] = [lines.lastIndexOf('\n', at) + 1, lines.indexOf('\n', at)];
    if (start !== at) found.push(lines.slice(start, end));
    at = lines.indexOf(part, end);
  }
  return found;
}
