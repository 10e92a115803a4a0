/** A set's lock, made as `sheaf lock create` makes it from a snapshot: here of the suite as Debian's mirror has it now. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { formatReleaseDate } from '../../src/formats/deb/date.ts';
import { parseRelease } from '../../src/formats/deb/release.ts';
import { sha256, type Sha256 } from '../../src/kit/digest.ts';
import { SheafError } from '../../src/kit/error.ts';
import { byPackage, contentsOf } from '../../src/lock/mod.ts';
import type { Lock } from '../../src/model/lock.ts';
import { parseArchitecture } from '../../src/model/names.ts';
import { createSnapshotApt } from '../../src/plumbing/apt/snapshots.ts';
import { runChecked } from '../../src/plumbing/process.ts';
import { openIndex, openSuite, type CorpusOptions } from '../corpus/archive.ts';
import type { PackageSet } from './sets.ts';

const architecture = parseArchitecture('amd64');

/** Makes locks from one suite. Throws what the corpus and apt throw, and `unsatisfiable`. */
export async function openLocks(corpus: CorpusOptions, suite: string, directory: string) {
  const opened = await openSuite(corpus, suite);
  const file = join(corpus.directory, suite, 'InRelease');
  const release = await readFile(file);
  const text = await runChecked(['gpgv', '--keyring', corpus.keyring, '--output', '-', file]);
  const date = formatReleaseDate(parseRelease(text, file).date);
  const index = await openIndex(corpus, opened, 'main/binary-amd64/Packages');
  if (index === undefined) throw new SheafError('index-missing', `Cannot lock from ${suite}: it has no Packages`);
  const contents = new Map([
    [sha256(index.bytes), index.bytes],
    [sha256(text), Buffer.from(text)],
  ]);
  const read = async (hash: Sha256) => Promise.resolve(contents.get(hash)!);
  const solver = createSnapshotApt({ directory, read });
  const source = {
    ...{ url: corpus.mirror, suite, components: ['main'], release: sha256(text) },
    indexes: [{ path: index.path, architecture, sha256: sha256(index.bytes), size: index.bytes.length }],
  };
  return async function lockSet(set: PackageSet): Promise<Lock> {
    const { classes, packages } = contentsOf(set.variant);
    const answer = await solver.solve({
      ...{ architecture, foreign: [], sources: [source], classes, packages: [...packages, ...set.packages] },
      ...{ recommends: false, exclude: [], keep: [] },
    });
    if (answer.kind === 'unmet') throw new SheafError('unsatisfiable', `Cannot lock: ${answer.explanation}`);
    return {
      architecture,
      sources: [{ url: corpus.mirror, suite, components: ['main'], inRelease: sha256(release), date }],
      request: { packages: set.packages, variant: set.variant, recommends: false, exclude: [] },
      packages: answer.packages.toSorted(byPackage),
    };
  };
}
