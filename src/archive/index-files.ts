/** The texts of a suite's indexes. Debian's RepositoryFormat, "Packages Indices" and "Sources Indices". */
import { parseStanza } from '../formats/deb/deb822.ts';
import { formatPackagesStanza } from '../formats/deb/packages.ts';
import { formatSourcesStanza } from '../formats/deb/sources.ts';
import type { Suite } from '../model/distribution.ts';
import type { BinaryEntry, Content, SourceEntry } from './content.ts';

export type IndexFile = {
  /** Below `dists/SUITE`: `main/binary-amd64`. */
  readonly directory: string;
  readonly name: 'Packages' | 'Sources';
  readonly text: string;
};

/**
 * One index for each component and architecture, and one for `all`. Packages for `all` are in every one of them, as in
 * Debian's archive: Release says so by `No-Support-for-Architecture-all`, and apt then does not fetch that of `all`.
 */
export function formatIndexes(suite: Pick<Suite, 'components' | 'architectures'>, content: Content): IndexFile[] {
  const stanzas = new Map(content.binaries.map((binary) => [binary, binaryStanza(binary)]));
  return suite.components.flatMap((component) => {
    const binaries = content.binaries.filter((binary) => binary.component === component);
    const sources = content.sources.filter((source) => source.component === component);
    const packages = ['all', ...suite.architectures].map((architecture): IndexFile => {
      const here = binaries.filter((each) => each.architecture === architecture || each.architecture === 'all');
      const text = join(here.map((binary) => stanzas.get(binary)!));
      return { directory: `${component}/binary-${architecture}`, name: 'Packages', text };
    });
    return [...packages, { directory: `${component}/source`, name: 'Sources', text: join(sources.map(sourceStanza)) }];
  });
}

function binaryStanza(binary: BinaryEntry): string {
  return formatPackagesStanza(binary.control, binary);
}

function sourceStanza(source: SourceEntry): string {
  return formatSourcesStanza(parseStanza(source.stanza), source);
}

/** Every stanza is followed by an empty line, the last one too. */
function join(stanzas: readonly string[]): string {
  return stanzas.map((stanza) => `${stanza}\n`).join('');
}
