/** What must be installed, and what must not, to build a source package: Debian Policy 7.7. */
import { field, type Stanza } from '../formats/deb/deb822.ts';
import type { JobSpec } from '../model/job.ts';

export type BuildNeeds = {
  /** Relations as in Build-Depends and Build-Conflicts; empty when there are none. */
  readonly buildDepends: string;
  readonly buildConflicts: string;
};

/** From a .dsc or the source stanza of debian/control. */
export function buildNeeds(source: Stanza, builds: JobSpec['builds']): BuildNeeds {
  const parts = { source: [], any: ['-Arch'], all: ['-Indep'], 'any+all': ['-Arch', '-Indep'] }[builds];
  const join = (name: string) =>
    ['', ...parts]
      .map((part) => (field(source, name + part) ?? '').trim().replace(/,$/, ''))
      .filter((relations) => relations !== '')
      .join(', ');
  return { buildDepends: join('Build-Depends'), buildConflicts: join('Build-Conflicts') };
}
