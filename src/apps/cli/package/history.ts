/** Where versions of a package were, and when; which files they had. */
import { listTrackedSuites, whereWas, type Sighting } from '../../../history/mod.ts';
import { SheafError } from '../../../kit/error.ts';
import { suggestion } from '../../../kit/spelling.ts';
import { formatSuiteRef, type PackageEntry } from '../../../model/index-history.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { shellWord } from '../shell-word.ts';
import { style } from '../style.ts';
import { formatTable, text } from '../table.ts';
import { count, formatSnapshotTime } from '../upstream/words.ts';

export type HistoryQuery = {
  readonly version?: string | undefined;
  readonly arch?: string | undefined;
  readonly source?: true | undefined;
  readonly origin?: string | undefined;
};

/** A version that had several files in one origin. */
export type VersionAlarm = Pick<PackageEntry, 'kind' | 'name' | 'version' | 'architecture'> & {
  readonly origin: string;
  readonly sha256: readonly string[];
};

export type HistoryDocument = {
  readonly name: string;
  /** Newest first. */
  readonly sightings: readonly Sighting[];
  readonly alarms: readonly VersionAlarm[];
};

/** Binary packages of this name, and the source package; with `source`, only that. Throws `no-such-package`, `unknown-upstream`. */
export async function readHistory(
  { db }: Pick<House, 'db'>,
  name: string,
  { version, arch, source, origin }: HistoryQuery,
): Promise<HistoryDocument> {
  const sightings = await whereWas(db, {
    ...{ name, version, origin },
    ...(source === true ? { kind: 'source' } : { architecture: arch }),
  });
  if (sightings.length === 0) {
    if (origin !== undefined) await checkOrigin(db, origin);
    const what = [name, version, source === true ? 'source' : arch].filter((part) => part !== undefined).join(' ');
    const index = origin === undefined ? 'no index that is kept' : `no index of ${origin} that is kept`;
    throw new SheafError('no-such-package', `Cannot find ${what}: ${index} ever had it`, {
      kind: 'usage',
      hint:
        (version ?? arch ?? source ?? origin) === undefined
          ? 'What is kept is listed by: sheaf archive show'
          : `All its versions: sheaf package history ${shellWord(name)}`,
    });
  }
  return { name, sightings, alarms: findAlarms(sightings) };
}

/** An upstream that is kept, also when it is followed no more. */
async function checkOrigin(db: House['db'], origin: string): Promise<void> {
  const kept = [...new Set((await listTrackedSuites(db)).map((each) => each.origin))].filter((each) => each !== '');
  if (kept.includes(origin)) return;
  throw new SheafError(
    'unknown-upstream',
    `Cannot find upstream "${origin}": nothing of it is kept${suggestion(origin, kept)}`,
    {
      kind: 'usage',
      hint: kept.length === 0 ? 'No upstream is kept yet: see sheaf upstream update.' : `There is ${kept.join(', ')}.`,
    },
  );
}

/** The same version with other bytes: in one origin that must never happen. */
export function findAlarms(sightings: readonly Sighting[]): VersionAlarm[] {
  const found = new Map<string, VersionAlarm & { sha256: string[] }>();
  for (const { origin, entry } of sightings) {
    const { kind, name, version, architecture, sha256 } = entry;
    const key = JSON.stringify([origin, kind, name, version, architecture]);
    const alarm = found.get(key) ?? { origin, kind, name, version, architecture, sha256: [] };
    if (sha256 !== '' && !alarm.sha256.includes(sha256)) alarm.sha256.push(sha256);
    found.set(key, alarm);
  }
  return [...found.values()].filter(({ sha256 }) => sha256.length > 1);
}

export function formatHistory({ name, sightings, alarms }: HistoryDocument): string[] {
  const table = formatTable(sightings, [
    text('version', ({ entry }) => entry.version),
    text('architecture', ({ entry }) => entry.architecture),
    text('suite', formatSuiteRef),
    text('component', (row) => row.component),
    text('from', (row) => formatSnapshotTime(row.since)),
    text('until', (row) => formatSnapshotTime(row.until) ?? 'now'),
    text('sha256', ({ entry }) => entry.sha256),
  ]);
  return [
    style('bold', clean(name)),
    '',
    ...table,
    ...(alarms.length === 0
      ? []
      : ['', style('red', `ALARM: ${count(alarms.length, 'version')} with other bytes than before:`)]),
    ...alarms.flatMap(({ origin, version, architecture, sha256 }) => [
      clean(
        `  ${version} ${architecture} in ${origin === '' ? 'our own archive' : origin} had ${sha256.length} files:`,
      ),
      ...sha256.map((digest) => `    ${digest}`),
    ]),
  ];
}
