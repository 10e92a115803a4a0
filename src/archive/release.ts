/** A suite's Release file: what it says of itself, and whether that has changed. */
import { parseStanza } from '../formats/deb/deb822.ts';
import { formatRelease, parseRelease, type NewRelease, type ReleaseFile } from '../formats/deb/release.ts';
import type { Distribution, Suite } from '../model/distribution.ts';

type Described = Pick<Distribution, 'name' | 'url' | 'repositories'>;

/** Everything but the dates and the hashes. */
export function releaseFields(distribution: Described, suite: Suite): Omit<NewRelease, 'date' | 'files'> {
  const { notAutomatic, butAutomaticUpgrades, ...known } = suite.releaseFields ?? {};
  return {
    origin: unlessEmpty(known.origin, distribution.name),
    label: unlessEmpty(known.label, distribution.repositories.get(suite.repository)?.title ?? suite.repository),
    suite: unlessEmpty(known.suite, suite.name),
    codename: unlessEmpty(known.codename, suite.codename),
    version: unlessEmpty(known.version, ''),
    architectures: ['all', ...suite.architectures],
    components: suite.components,
    description: suite.description,
    acquireByHash: true,
    snapshots: snapshotsUrl(distribution, suite),
    extra: [
      ...(notAutomatic === true ? [['NotAutomatic', 'yes'] as const] : []),
      ...(butAutomaticUpgrades === true ? [['ButAutomaticUpgrades', 'yes'] as const] : []),
      ['No-Support-for-Architecture-all', 'Packages'],
      // Clients pass over it. It tells the next publication how these indexes were made: another way is a whole one.
      ...(suite.versions === 'all' ? [['Package-Versions', 'all'] as const] : []),
    ],
  };
}

function unlessEmpty(said: string | undefined, usual: string): string | undefined {
  const text = said ?? usual;
  return text === '' ? undefined : text;
}

/** Where `apt --snapshot ID` (apt ≥ 2.7) finds an earlier publication of this suite. */
function snapshotsUrl(distribution: Described, suite: Suite): string {
  return `${distribution.url}/snapshot/${suite.name}@@SNAPSHOTID@/`;
}

/** Whether a published Release still says what the settings say. */
export function saysTheSame(release: string, fields: Omit<NewRelease, 'date' | 'files'>): boolean {
  return shape(release) === shape(formatRelease({ ...fields, date: new Date(0), files: [] }));
}

function shape(release: string): string {
  const changing = new Set(['Date', 'Valid-Until', 'SHA256']);
  const { fields } = parseStanza(release);
  return JSON.stringify(fields.filter(({ name }) => !changing.has(name)).map(({ name, value }) => [name, value]));
}

/** The indexes a published Release lists, by path. */
export function listedFiles(release: string | undefined): ReadonlyMap<string, ReleaseFile> {
  return new Map(release === undefined ? [] : parseRelease(release).files.map((file) => [file.path, file]));
}
