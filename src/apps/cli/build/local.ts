/** `sheaf build local`: a working tree, built here. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { access, constants, mkdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import type { RootPort } from '../../../build/mod.ts';
import { buildWorkingTree, type BuildPart, type WorkingTreeBuild } from '../../../flows/build-working-tree.ts';
import { Environments, type EnvironmentDeps } from '../../../flows/environment.ts';
import { withoutEpoch } from '../../../formats/deb/version.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { systemClock } from '../../../kit/clock.ts';
import type { Sha256 } from '../../../kit/digest.ts';
import { formatDuration } from '../../../kit/duration.ts';
import { SheafError } from '../../../kit/error.ts';
import { formatLock } from '../../../lock/mod.ts';
import type { Distribution } from '../../../model/distribution.ts';
import { parseArchitecture, type Architecture } from '../../../model/names.ts';
import { createApt } from '../../../plumbing/apt.ts';
import { Blobs } from '../../../plumbing/blobs.ts';
import { openWorkingTree } from '../../../plumbing/git/working-tree.ts';
import { nativeArchitecture } from '../../../plumbing/native-architecture.ts';
import type { Sandbox } from '../../../plumbing/sandbox/port.ts';
import { createUnshareSandbox } from '../../../plumbing/sandbox/unshare.ts';
import { readDistribution } from '../../../policy/mod.ts';
import { materialise, type RootProgress } from '../../../root/mod.ts';
import { ownSourceHere, type OwnSourceHere } from '../../own-source-here.ts';
import { pathsOf, type Paths } from '../../paths.ts';
import { cacheDirectory, openCache, rootDeps } from '../../roots.ts';
import { LogCleaner } from '../clean.ts';
import { findDirectory } from '../context.ts';
import { interruptible } from '../interrupt.ts';
import { readLocks } from '../lock/read.ts';
import { startProgress, type Progress } from '../progress.ts';
import { LocalDebs } from '../root/debs.ts';
import { chooseLock, showRootProgress } from '../root/open.ts';
import { newScratch } from '../root/scratch.ts';
import { refuseOthers, writeFiles, type WrittenFile } from './write-files.ts';

export type LocalFlags = {
  readonly suite?: string | undefined;
  readonly arch?: string | undefined;
  readonly build?: readonly BuildPart[] | undefined;
  readonly output?: string | undefined;
  readonly lock?: string | undefined;
  readonly force?: true | undefined;
  readonly dir: string | undefined;
  readonly json: boolean;
};

export type LocalBuild = Pick<WorkingTreeBuild, 'source' | 'version' | 'upstream'> & {
  readonly suite: string;
  readonly architecture: Architecture;
  readonly builds: readonly BuildPart[];
  readonly output: string;
  readonly files: readonly WrittenFile[];
  /** SHA-256 of the lock that it was built in. */
  readonly lock: Sha256;
  /** Of the suite itself: the address of the snapshot that was there to build with, or why there was none. */
  readonly own: { readonly snapshot?: string | undefined; readonly missing?: string };
  /** As the flow has them, and `start`: from the program's start to the first line of dpkg-buildpackage. */
  readonly timings: Readonly<Record<string, number>>;
};

/** Throws `build-failed`, `would-replace`, and what the flow throws. */
export async function buildLocal(given: string, flags: LocalFlags): Promise<LocalBuild> {
  const directory = resolve(given);
  await checkTree(directory);
  const paths = pathsOf(await findDirectory(flags.dir, directory));
  const distribution = await readDistribution(paths.directory, { files: false });
  // The sandbox's files are read by other ids than ours; only what comes out is as the caller wants.
  const umask = process.umask(0o022);
  return interruptible(async (signal) => {
    const sandbox = createUnshareSandbox();
    const scratch = await newScratch({ cache: await openCache(), sandbox });
    await mkdir(scratch, { mode: 0o711 });
    const log = openLog(join(scratch, 'log'), flags.json);
    const progress = startProgress({ json: flags.json, unit: 'bytes' });
    try {
      return await build({ directory, flags, paths, distribution, umask, signal, sandbox, scratch, log, progress });
    } finally {
      progress.end();
      log.close();
      await sandbox.remove(scratch);
    }
  });
}

type Surroundings = {
  readonly directory: string;
  readonly flags: LocalFlags;
  readonly paths: Paths;
  readonly distribution: Distribution;
  readonly umask: number;
  readonly signal: AbortSignal;
  readonly sandbox: Sandbox;
  readonly scratch: string;
  readonly log: ReturnType<typeof openLog>;
  readonly progress: Progress;
};

async function build(around: Surroundings): Promise<LocalBuild> {
  const { directory, flags, scratch, log, progress } = around;
  const output = resolve(flags.output ?? dirname(directory));
  const force = flags.force === true;
  const architecture = flags.arch === undefined ? nativeArchitecture() : parseArchitecture(flags.arch);
  const blobs = new Blobs(join(scratch, 'blobs'));
  const own = ownOnce(around);
  const deps = {
    ...around,
    ...{ blobs, clock: systemClock, parallel: availableParallelism(), root: roots(around) },
    environments: await openEnvironments(around, blobs, own.find),
    log: (text: Uint8Array | string) => {
      progress.end();
      log.write(text);
    },
  };
  const lock = flags.lock === undefined ? undefined : await putLock(blobs, flags.lock, architecture);
  await mkdir(join(scratch, 'git'));
  const tree = await openWorkingTree(directory, join(scratch, 'git'));
  const built = await buildWorkingTree(deps, {
    ...{ directory, tree, architecture, lock, suite: flags.suite, parts: flags.build },
    onSource: (files) => refuseOthers(output, files, force),
  }).finally(() => tree.objects.close());

  const name = `${built.source}_${withoutEpoch(built.version)}_${architecture}`;
  const logFile = { name: `${name}.build`, path: join(scratch, 'log') };
  const options = { force, umask: around.umask };
  await mkdir(output, { recursive: true, mode: 0o777 & ~around.umask });
  if (built.failure !== undefined) {
    await writeFiles(output, [], [logFile], options);
    throw failed(built, join(output, logFile.name));
  }
  const records = [logFile, { name: `${name}.lock`, path: blobs.path(built.lock) }];
  const files = await writeFiles(output, built.files, records, options);
  const start = log.start();
  return {
    ...{ source: built.source, version: built.version, suite: built.suite.name, architecture, builds: built.parts },
    ...{ output, files, lock: built.lock, upstream: built.upstream, own: own.told() },
    timings: { ...built.timings, ...(start === undefined ? {} : { start }) },
  };
}

export function formatLocalBuild({ source, version, files, output, timings }: LocalBuild): string[] {
  const times = Object.entries(timings).filter(([step]) => step !== 'start');
  return [
    '',
    `${source} ${version} is built: ${times.map(([step, time]) => `${step} ${formatDuration(time)}`).join(', ')}`,
    ...files.map(({ name, size, isNew }) => `  ${name} (${formatSize(size)}${isNew ? '' : ', was there'})`),
    `in ${output}`,
  ];
}

async function checkTree(directory: string): Promise<void> {
  for (const name of ['debian/control', 'debian/changelog']) {
    const isFile = await stat(join(directory, name)).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isFile) continue;
    throw new SheafError('no-source', `Cannot build ${directory}: it has no file ${name}`, {
      kind: 'usage',
      hint: 'Name the top folder of a Debian source package: sheaf build local DIR',
    });
  }
}

/** The build's log: into a file, and where people read it on standard output. */
function openLog(path: string, json: boolean) {
  const file = openSync(path, 'w');
  const cleaner = process.stdout.isTTY ? new LogCleaner() : undefined;
  let start: number | undefined;
  return {
    write: (text: Uint8Array | string) => {
      const bytes = Buffer.from(text);
      if (start === undefined && bytes.includes('dpkg-buildpackage: info:')) start = Math.round(performance.now());
      writeSync(file, bytes);
      if (!json) process.stdout.write(cleaner?.push(bytes) ?? bytes);
    },
    start: () => start,
    close: () => closeSync(file),
  };
}

function roots({ sandbox, paths, progress }: Surroundings): RootPort {
  const cache = cacheDirectory();
  const deps = { ...rootDeps(sandbox, cache), debs: new LocalDebs(join(cache, 'debs'), [paths.blobs]) };
  return {
    materialise: async (lock, base, { signal }) => {
      const onProgress = (now: RootProgress) => showRootProgress(progress, now);
      return materialise(deps, lock, base, { signal, onProgress }).finally(progress.end);
    },
  };
}

type FindOwn = EnvironmentDeps['ownSource'];

/** On the server's own indexes where we may use them: then the lock is the one that it would give out now. */
async function openEnvironments({ distribution, paths }: Surroundings, blobs: Blobs, ownSource: FindOwn) {
  const isOpen = await access(paths.apt, constants.W_OK).then(
    () => true,
    () => false,
  );
  const directory = isOpen ? paths.apt : join(cacheDirectory(), 'apt');
  const solver = createApt({ directory, now: systemClock.now, ownAge: Number.POSITIVE_INFINITY });
  return new Environments({ distribution, blobs, clock: systemClock, solve: { solver }, ownSource });
}

/** Looked for once, and told when it is missing. */
function ownOnce({ distribution, paths, progress }: Surroundings) {
  let found: Promise<OwnSourceHere> | undefined;
  let told: LocalBuild['own'] = {};
  const find: FindOwn = async (suite) => {
    found ??= ownSourceHere(distribution, paths, suite);
    progress.at('Asking apt what to build in');
    const { source, missing } = await found;
    if (missing !== undefined && told.missing === undefined) {
      progress.line(`Without the packages of suite ${suite.name} itself: ${missing}`);
    }
    told = missing === undefined ? { snapshot: source?.url } : { missing };
    return source;
  };
  return { find, told: () => told };
}

async function putLock(blobs: Blobs, file: string, architecture: Architecture): Promise<Sha256> {
  const { locks } = await readLocks(file);
  return (await blobs.putBytes(formatLock(chooseLock(locks, architecture, file)))).sha256;
}

function failed({ source, version, failure }: WorkingTreeBuild, log: string): SheafError {
  return new SheafError('build-failed', `Cannot build ${source} ${version}: ${failure!.reason}`, {
    kind: failure!.fault === 'package' ? 'refused' : 'environment',
    hint: `The log is ${log}`,
  });
}
