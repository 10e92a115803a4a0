/**
 * What a suite's indexes say of its packages. Debian's RepositoryFormat, "Packages Indices", "Sources Indices" and
 * "Translation Indices".
 */
import { createHash } from 'node:crypto';

import { parseStanza } from '../formats/deb/deb822.ts';
import { formatPackagesStanza } from '../formats/deb/packages.ts';
import { formatSourcesStanza } from '../formats/deb/sources.ts';
import { formatTranslation } from '../formats/deb/translation.ts';
import type { Suite } from '../model/distribution.ts';
import type { BinaryEntry, Content } from './content.ts';
import type { Runs } from './index-runs.ts';
import { translations } from './optional-indexes.ts';

export type IndexRuns = {
  /** Below `dists/SUITE`: `main/binary-amd64`. */
  readonly directory: string;
  readonly name: 'Packages' | 'Sources' | typeof translations.name;
  /** What is to stand in it for each package that `content` or `before` has there. */
  readonly runs: Runs;
  /** The same runs, sorted by name, one after the other: for an index that is written as a whole. */
  readonly sorted?: () => AsyncIterable<readonly [string, string]> | Iterable<readonly [string, string]>;
};

/**
 * One index for each component and architecture, and one for `all`. Packages for `all` are in every one of them, as in
 * Debian's archive: Release says so by `No-Support-for-Architecture-all`, and apt then does not fetch that of `all`.
 * Stanzas of one name come in the order of the content. `before` is what may have been there: a name that is not in the
 * content any more gets an empty run.
 */
export function indexRuns(
  suite: Pick<Suite, 'components' | 'architectures' | 'translation'>,
  content: Content,
  before: Content = { sources: [], binaries: [] },
): IndexRuns[] {
  const hash = suite.translation === true ? md5 : undefined;
  const stanzas = new Map(
    content.binaries.map((binary) => [binary, formatPackagesStanza(binary.control, binary, hash)]),
  );
  return suite.components.flatMap((component) => {
    const isHere = (entry: { readonly component: string }) => entry.component === component;
    const [binaries, binariesBefore] = [content.binaries.filter(isHere), before.binaries.filter(isHere)];
    const [sources, sourcesBefore] = [content.sources.filter(isHere), before.sources.filter(isHere)];
    const packages = ['all', ...suite.architectures].map((architecture): IndexRuns => {
      const fits = (each: BinaryEntry) => each.architecture === architecture || each.architecture === 'all';
      const runs = join(binariesBefore.filter(fits), binaries.filter(fits), (binary) => stanzas.get(binary)!);
      return { directory: `${component}/binary-${architecture}`, name: 'Packages', runs };
    });
    const runs = join(sourcesBefore, sources, (each) => formatSourcesStanza(parseStanza(each.stanza), each));
    const indexes: IndexRuns[] = [...packages, { directory: `${component}/source`, name: 'Sources', runs }];
    if (suite.translation !== true) return indexes;
    const { directory, name } = translations;
    return [...indexes, { directory: directory(component), name, runs: descriptions(binariesBefore, binaries) }];
  });
}

/** Each description of a name once, whichever of its versions and architectures have it. */
function descriptions(before: readonly BinaryEntry[], binaries: readonly BinaryEntry[]): Runs {
  const runs = new Map(before.map(({ name }) => [name, new Set<string>()]));
  for (const { name, control } of binaries) {
    const stanza = formatTranslation(control, md5);
    const known = runs.get(name) ?? new Set();
    runs.set(name, stanza === undefined ? known : known.add(`${stanza}\n`));
  }
  return new Map([...runs].map(([name, stanzas]) => [name, [...stanzas].join('')]));
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

/** Every stanza is followed by an empty line, the last one too. */
function join<T extends { readonly name: string }>(
  before: readonly T[],
  entries: readonly T[],
  format: (entry: T) => string,
): Runs {
  const runs = new Map(before.map(({ name }) => [name, '']));
  for (const entry of entries) runs.set(entry.name, `${runs.get(entry.name) ?? ''}${format(entry)}\n`);
  return runs;
}
