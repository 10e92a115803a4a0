/** Entries for tests, and arbitrary ones. */
import fc from 'fast-check';

import type { PackageEntry } from '../../model/index-history.ts';

/** `hello 2.10-3 amd64`, with anything else changed. */
export function entry(words: string, more: Partial<PackageEntry> = {}): PackageEntry {
  const [name = '', version = '', architecture = 'amd64'] = words.split(' ');
  return {
    ...{ kind: architecture === 'source' ? ('source' as const) : ('binary' as const) },
    ...{ name, version, architecture, source: name, sourceVersion: version, component: 'main', size: 1 },
    sha256: `sha of ${words}`,
    ...more,
  };
}

const versions = ['1', '1.0', '1.0-0', '1.0-1', '2~rc1-1', '2-1', '1:0.1', 'no version', ':'];

/** Of few names and versions, so that most of them meet. */
export const anyEntry: fc.Arbitrary<PackageEntry> = fc
  .record({
    name: fc.constantFrom('ada', 'bob', 'cy'),
    version: fc.constantFrom(...versions),
    architecture: fc.constantFrom('amd64', 'arm64', 'all', 'source'),
    component: fc.constantFrom('main', 'contrib'),
    sha256: fc.constantFrom('aa', 'bb', ''),
    size: fc.constantFrom(1, 2),
    source: fc.constantFrom('ada', 'zed'),
  })
  .map((some) => ({
    ...some,
    kind: some.architecture === 'source' ? 'source' : 'binary',
    source: some.architecture === 'source' ? some.name : some.source,
    sourceVersion: some.version,
  }));
