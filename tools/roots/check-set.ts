/** One set of one suite: built three times, compared, and what was found remembered. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { sha256 } from '../../src/kit/digest.ts';
import { SheafError } from '../../src/kit/error.ts';
import { formatLock } from '../../src/lock/mod.ts';
import type { Lock } from '../../src/model/lock.ts';
import type { DebCache } from '../../src/plumbing/deb-cache.ts';
import { createUnshareSandbox } from '../../src/plumbing/sandbox/unshare.ts';
import { rootFormat } from '../../src/root/mod.ts';
import { buildAsRoot, buildAsUser, buildByPeer, makeArchive, timesFile, type Place } from './build.ts';
import { compareTrees, wantedContents, type Difference } from './compare.ts';
import { explain } from './explanations.ts';
import { readContents, readTree, type Tree } from './tree.ts';

export type Result = {
  readonly suite: string;
  readonly set: string;
  readonly date: string;
  readonly packages: number;
  readonly files: number;
  /** Of our archive, each time. */
  readonly sha256: readonly [string, string];
  /** Of our two; empty when the archives are the same. */
  readonly again: readonly Difference[];
  /** Of ours and mmdebstrap's. */
  readonly peer: readonly Difference[];
};

export type CheckOptions = {
  /** Where results are remembered and roots are built. */
  readonly directory: string;
  readonly debs: DebCache;
  /** Forget what was remembered. */
  readonly fresh: boolean;
  /** Check nothing that is not remembered. */
  readonly known: boolean;
  /** A directory for the files that differ. */
  readonly keep: string | undefined;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
};

const sandbox = createUnshareSandbox();
const memory = '/dev/shm';
const memoryPrefix = 'sheaf-roots-check-';
const diskPrefix = 'building-';

/** Takes away what a killed run left; nobody else may be running. */
export async function removeLeftovers(directory: string): Promise<void> {
  for (const [place, prefix] of [
    [directory, diskPrefix],
    [memory, memoryPrefix],
  ] as const) {
    for (const name of (await readdir(place)).filter((each) => each.startsWith(prefix))) {
      await sandbox.remove(join(place, name));
    }
  }
}

export async function checkSet(options: CheckOptions, suite: string, set: string, lock: Lock): Promise<Result> {
  const file = join(options.directory, 'results', `${suite}-${set}-${await keyOf(lock)}.json`);
  const remembered = options.fresh ? undefined : await readFile(file, 'utf8').catch(() => undefined);
  if (remembered !== undefined) return JSON.parse(remembered) as Result;
  if (options.known) throw new SheafError('not-checked', 'It was not checked yet');
  await mkdir(join(options.directory, 'results'), { recursive: true });
  const place: Place = {
    signal: options.signal,
    disk: await mkdtemp(join(options.directory, diskPrefix)),
    memory: await mkdtemp(join(memory, memoryPrefix)),
  };
  try {
    await chmod(place.memory, 0o755);
    const result = await build(options, place, { suite, set, lock });
    await writeFile(`${file}.new`, JSON.stringify(result));
    await rename(`${file}.new`, file);
    return result;
  } finally {
    for (const each of [place.disk, place.memory]) await sandbox.remove(each);
  }
}

type Wanted = { readonly suite: string; readonly set: string; readonly lock: Lock };

async function build(options: CheckOptions, place: Place, { suite, set, lock }: Wanted): Promise<Result> {
  const say = (line: string) => options.say(`${suite} ${set}: ${line}`);
  say(`${lock.packages.length} packages`);
  await makeArchive(place, options.debs, lock, suite);
  const lockFile = join(place.memory, `${set}.lock`);
  await writeFile(lockFile, formatLock(lock));
  say('as root on a disk');
  const first = await buildAsRoot(place, lockFile, sandbox);
  say('as an ordinary user on a tmpfs');
  const second = await buildAsUser(place, lockFile, sandbox);
  const hashes = [await hashFile(first), await hashFile(second)] as const;
  const trees = [await readTree(first), await readTree(second)] as const;
  const again =
    hashes[0] === hashes[1] ? [] : await compareFiles(options, `${suite}-${set}-again`, [first, second], trees);
  if (hashes[0] !== hashes[1]) say(`not the same twice: ${again.length} differences`);
  say('by mmdebstrap');
  await sandbox.remove(join(place.memory, 'user'));
  const peer = await buildByPeer(place, lock, suite);
  const compared = await compareFiles(options, `${suite}-${set}`, [first, peer], [trees[0], await readTree(peer)]);
  const unexplained = compared.filter((each) => explain(each) === undefined);
  say(`${compared.length} differences to mmdebstrap, ${unexplained.length} of them unexplained`);
  const date = new Date().toISOString().slice(0, 10);
  const files = trees[0].size;
  return { suite, set, date, packages: lock.packages.length, files, sha256: hashes, again, peer: compared };
}

async function compareFiles(
  { keep }: CheckOptions,
  name: string,
  files: readonly [string, string],
  trees: readonly [Tree, Tree],
): Promise<Difference[]> {
  const wanted = wantedContents(...trees);
  const [here, there] = [
    await readContents(files[0], wanted),
    await readContents(files[1], new Set([...wanted, timesFile])),
  ];
  const times = parseTimes(there.get(timesFile));
  if (keep !== undefined) {
    for (const [side, contents] of [
      ['here', here],
      ['there', there],
    ] as const) {
      for (const [path, bytes] of contents) {
        const target = join(keep, name, side, path.replaceAll('/', '!'));
        await mkdir(join(keep, name, side), { recursive: true });
        await writeFile(target, bytes);
      }
    }
  }
  const sides = [
    { tree: trees[0], contents: here },
    { tree: trees[1], contents: there, ...(times === undefined ? {} : { times }) },
  ] as const;
  const timed = times === undefined ? new Set(trees[0].keys()) : await packagedPaths(files[0], trees[0]);
  return compareTrees(sides[0], sides[1], timed).filter(({ path }) => path !== timesFile);
}

/** `SECONDS PATH` NUL, as find prints it. */
function parseTimes(bytes: Buffer | undefined): Map<string, number> | undefined {
  if (bytes === undefined) return undefined;
  const lines = bytes
    .toString()
    .split('\0')
    .filter((line) => line !== '');
  return new Map(
    lines.map((line) => [line.slice(line.indexOf(' ') + 1), Math.floor(Number(line.slice(0, line.indexOf(' '))))]),
  );
}

/** What dpkg says belongs to packages, as it lies in a system with a merged /usr. */
async function packagedPaths(file: string, tree: Tree): Promise<Set<string>> {
  const lists = new Set([...tree.keys()].filter((path) => /^var\/lib\/dpkg\/info\/.*\.list$/.test(path)));
  const contents = await readContents(file, lists);
  const paths = [...contents.values()].flatMap((bytes) => bytes.toString().split('\n'));
  return new Set(paths.map((path) => path.slice(1).replace(/^(?:bin|sbin|lib|lib64)\//, 'usr/$&')));
}

/** Other packages, or another way of making roots, are another check. */
async function keyOf(lock: Lock): Promise<string> {
  return sha256([formatLock(lock), await rootFormat()].join('\n')).slice(0, 16);
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 2 ** 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}
