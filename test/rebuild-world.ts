/** Toy packages that are built in a second, published as folders, to be rebuilt in a real build root. */
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { createRunner } from '../src/apps/rebuild/runner.ts';
import type { Workshop } from '../src/apps/cli/rebuild/workshop.ts';
import { systemClock } from '../src/kit/clock.ts';
import { sha256 } from '../src/kit/digest.ts';
import { formatLock, solve } from '../src/lock/mod.ts';
import type { BuildConditions, BuildSpec } from '../src/model/job.ts';
import { parsePackageName, parseVersion } from '../src/model/names.ts';
import { Blobs } from '../src/plumbing/blobs.ts';
import { createUnshareSandbox } from '../src/plumbing/sandbox/unshare.ts';
import { materialise } from '../src/root/mod.ts';
import { debian, hostArchitecture, rootDeps, testApt } from './small-root.ts';
import { writeToyPackage } from './toy-package.ts';

const execute = promisify(execFile);

export type RebuildWorld = Awaited<ReturnType<typeof rebuildWorld>>;

export const testLimits = {
  ...{ wall: 60_000, silence: 60_000, memory: 2 ** 31, disk: 2 ** 30, log: 2 ** 20, processes: 500 },
};

/** `close` removes all of it. */
export async function rebuildWorld() {
  process.umask(0o022);
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-rebuild-'));
  await chmod(directory, 0o755);
  const sandbox = createUnshareSandbox();
  const blobs = new Blobs(join(directory, 'blobs'));
  const lockFile = join(directory, 'build.lock');
  const packages = ['build-essential', 'debhelper', 'fakeroot', 'xsltproc'];
  const request = { upstream: debian('bookworm'), own: [], packages, buildDepends: '', buildConflicts: '' };
  const answer = await solve({ solver: testApt() }, { ...request, architecture: hostArchitecture });
  if (answer.kind !== 'solved') throw new Error(answer.explanation);
  await writeFile(lockFile, formatLock(answer.lock));
  const lock = (await blobs.putBytes(formatLock(answer.lock))).sha256;

  /** A workshop that keeps its builds by itself. */
  const workshop = (name: string, more: Partial<Workshop> = {}): Workshop => ({
    ...{ house: undefined, blobs, sandbox, limits: testLimits, debs: rootDeps().debs },
    signal: new AbortController().signal,
    progress: { at: () => {}, line: () => {}, end: () => {} },
    root: { materialise: (wanted, base, options) => materialise(rootDeps(), wanted, base, { signal: options.signal }) },
    directory: join(directory, name),
    ...more,
  });

  /** The source of a toy package whose recipe is this, in a folder. */
  async function writeSource(folder: string, name: string, recipe: readonly string[]): Promise<void> {
    const tree = join(directory, 'trees', folder, `${name}-1`);
    await mkdir(tree, { recursive: true });
    await mkdir(join(directory, folder));
    await writeToyPackage(tree, { name, version: '1', distribution: 'stable', recipe });
    const tar = join(directory, folder, `${name}_1.tar.xz`);
    await execute('tar', ['-C', join(tree, '..'), '-cJf', tar, `${name}-1`]);
    const bytes = await readFile(tar);
    const dsc = `Format: 3.0 (native)\nSource: ${name}\nBinary: ${name}\nArchitecture: all\nVersion: 1\nMaintainer: T <t@toy.invalid>\nChecksums-Sha256:\n ${sha256(bytes)} ${bytes.length} ${name}_1.tar.xz\nFiles:\n 0123456789abcdef0123456789abcdef ${bytes.length} ${name}_1.tar.xz\n`;
    await writeFile(join(directory, folder, `${name}_1.dsc`), dsc);
  }

  /** A folder with such a source, and a .deb that was built of it. */
  async function publish(name: string, recipe: readonly string[], conditions: BuildConditions): Promise<string> {
    const folder = join(directory, `${name}-published`);
    await writeSource(`${name}-published`, name, recipe);
    const inputs = await Promise.all(
      [`${name}_1.dsc`, `${name}_1.tar.xz`].map(async (file) => ({
        name: file,
        ...(await blobs.put(createReadStream(join(folder, file)))),
      })),
    );
    const spec: BuildSpec = {
      ...{ kind: 'binary', source: parsePackageName(name), version: parseVersion('1'), architecture: hostArchitecture },
      ...{ builds: 'all', inputs, lock, baseLock: lock, limits: testLimits, conditions },
      sourceDateEpoch: Date.parse('2026-03-01T10:00Z') / 1000,
    };
    const run = createRunner({
      ...workshop(`first-${name}`),
      ...{ clock: systemClock, parallel: 1, again: false },
      newScratch: async () => join(directory, `scratch-${name}`),
    });
    const built = await run(spec, 0);
    if (built.outcome !== 'built') throw new Error(await readFile(built.log, 'utf8'));
    const deb = built.files.find((file) => file.name.endsWith('.deb'))!;
    await copyFile(deb.path, join(folder, deb.name));
    return folder;
  }

  /** What was published, beside a source that does something else. */
  async function replaceSource(published: string, name: string, recipe: readonly string[]): Promise<string> {
    const folder = join(directory, `${name}-replaced`);
    await writeSource(`${name}-replaced`, 'toy', recipe);
    await copyFile(join(published, 'toy_1_all.deb'), join(folder, 'toy_1_all.deb'));
    return folder;
  }

  return { directory, blobs, lockFile, workshop, publish, replaceSource, close: () => sandbox.remove(directory) };
}
