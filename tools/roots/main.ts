/**
 * Makes real package sets of real suites twice, as differently as one machine can, and by mmdebstrap, and compares every
 * entry:
 *
 *     ./run roots [--suites bookworm,trixie] [--sets minbase,standard,…] [--update] [--fresh | --known]
 *         [--keep DIR] [--write] [--json]
 *
 * What was checked with the same packages and the same way of making roots is remembered; `--fresh` checks it again,
 * `--known` checks nothing else.
 * `--update` asks the mirror for newer Release files. `--keep` writes the files that differ into a directory. `--write`
 * puts the table into docs/roots-are-reproducible.md. Exit code 1 when two roots differ or a difference is unexplained.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { cacheDirectory } from '../../src/apps/roots.ts';
import { describeError, SheafError } from '../../src/kit/error.ts';
import { DebCache } from '../../src/plumbing/deb-cache.ts';
import { withFileLock } from '../../src/plumbing/file-lock.ts';
import { withInterrupt } from '../../bench/measure.ts';
import { noOrdinaryUser } from '../../test/ordinary-user.ts';
import type { CorpusOptions } from '../corpus/archive.ts';
import { checkSet, removeLeftovers, type Result } from './check-set.ts';
import { openLocks } from './lock-set.ts';
import { formatResults, isGood, summarize, writeResults } from './report.ts';
import { packageSets, type PackageSet } from './sets.ts';

const { values: flags } = parseArgs({
  options: {
    suites: { type: 'string', default: 'bookworm,trixie' },
    sets: { type: 'string', default: Object.keys(packageSets).join(',') },
    update: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    known: { type: 'boolean', default: false },
    keep: { type: 'string' },
    write: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    mirror: { type: 'string', default: 'http://deb.debian.org/debian' },
    keyring: { type: 'string', default: '/usr/share/keyrings/debian-archive-keyring.gpg' },
  },
});

function chosenSets(): [string, PackageSet][] {
  return flags.sets.split(',').map((name) => {
    const set = packageSets[name];
    if (set !== undefined) return [name, set];
    throw new SheafError('unknown-set', `Cannot check the set ${name}: there is none of this name`, {
      kind: 'usage',
      hint: `There are ${Object.keys(packageSets).join(', ')}.`,
    });
  });
}

const say = (line: string) => void process.stderr.write(`${line}\n`);

async function main(directory: string, signal: AbortSignal): Promise<void> {
  if (noOrdinaryUser !== false) {
    throw new SheafError('no-ordinary-user', `Cannot build as two users: ${noOrdinaryUser}`, {
      kind: 'environment',
      hint: 'Run this as root, on a machine where an ordinary user has subordinate ids: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER',
    });
  }
  const cache = cacheDirectory();
  const corpus: CorpusOptions = {
    ...{ directory: join(cache, 'corpus'), mirror: flags.mirror, keyring: flags.keyring },
    ...{ update: flags.update, say },
  };
  const debs = new DebCache({ directory: join(cache, 'debs') });
  const options = { directory, debs, fresh: flags.fresh, known: flags.known, keep: flags.keep, signal, say };
  const results: Result[] = [];
  const failed: string[] = [];
  const suites = flags.suites.split(',');
  const locks = await Promise.all(suites.map(async (suite) => openLocks(corpus, suite, join(directory, 'apt'))));
  for (const [name, set] of chosenSets()) {
    for (const [number, suite] of suites.entries()) {
      await checkSet(options, suite, name, await locks[number]!(set)).then(
        (result) => results.push(result),
        (error: unknown) => {
          signal.throwIfAborted();
          failed.push(`${suite} ${name}`);
          say(`${suite} ${name}: ${describeError(error)}`);
        },
      );
    }
  }
  const good = failed.length === 0 && isGood(results);
  process.stdout.write(formatResults(results));
  if (failed.length > 0) say(`not checked: ${failed.join(', ')}`);
  if (flags.write) await writeResults(results);
  if (flags.json) process.stdout.write(`${JSON.stringify({ good, failed, roots: results.map(summarize) })}\n`);
  process.exitCode = good ? 0 : 1;
}

try {
  const directory = join(cacheDirectory(), 'roots-check');
  await mkdir(directory, { recursive: true });
  const work = async () => withInterrupt(async (signal) => main(directory, signal));
  if (flags.known) await work();
  else {
    await withFileLock(
      join(directory, 'busy'),
      async () => {
        await removeLeftovers(directory);
        await work();
      },
      1000,
    );
  }
} catch (error) {
  say(`roots: ${describeError(error)}`);
  if (error instanceof SheafError && error.hint !== undefined) say(`hint: ${error.hint}`);
  process.exitCode = error instanceof SheafError ? { refused: 1, usage: 2, environment: 3 }[error.kind] : 1;
}
