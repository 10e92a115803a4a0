/**
 * One build from its specification to its files: fetch → root → build → collect. Whatever goes wrong is sorted into the
 * package's, the environment's and the worker's fault; nothing is thrown.
 */
import { chmod, mkdir, readFile, statfs } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Clock } from '../kit/clock.ts';
import { formatDuration } from '../kit/duration.ts';
import type { BuildSpec, Fault } from '../model/job.ts';
import type { Lock } from '../model/lock.ts';
import type { Sandbox, SandboxOutcome } from '../plumbing/sandbox/port.ts';
import { buildPlace, environmentOf, hostnameOf, needsLibrary, shownCommand, shownLibrary } from './conditions.ts';
import { blame } from './fault.ts';
import { formatChapter } from './log-frame.ts';
import { collectOutputs, type OutputFile } from './outputs.ts';
import type { FetchBlob, ParseLock, RootPort } from './ports.ts';

export type ExecuteDeps = {
  readonly sandbox: Sandbox;
  readonly root: RootPort;
  readonly parseLock: ParseLock;
  readonly fetchBlob: FetchBlob;
  readonly clock: Clock;
  /** An empty directory of this attempt alone; the caller removes it with `sandbox.remove`. */
  readonly directory: string;
  /** Processors that the build may use. */
  readonly parallel: number;
  readonly log: (text: Uint8Array | string) => void;
  /** Ends the build: it was cancelled, its lease was lost, or the worker stops. */
  readonly signal: AbortSignal;
};

export type Execution = { readonly timings: Readonly<Record<string, number>> } & (
  | { readonly outcome: 'built'; readonly files: readonly OutputFile[]; readonly lock: Lock }
  | { readonly outcome: 'failed'; readonly fault: Fault; readonly reason: string }
  | { readonly outcome: 'aborted' }
);

/** Locks of whole systems stay far below this. */
const mostLockBytes = 64 * 2 ** 20;
/** With less left, a failure is blamed on the worker's disk and not on the package. */
const leastFree = 64 * 2 ** 20;

const scripts = {
  tools: readFileSync(new URL('build-tools.sh', import.meta.url), 'utf8'),
  shown: ['clock.c', 'element-ids.c', 'file-order.c', 'file-times.c', 'machine.c']
    .map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
    .join('\n'),
  start: readFileSync(new URL('build-start.sh', import.meta.url), 'utf8'),
  source: readFileSync(new URL('build-source.sh', import.meta.url), 'utf8'),
  binary: readFileSync(new URL('build-binary.sh', import.meta.url), 'utf8'),
};

export async function executeBuild(deps: ExecuteDeps, spec: BuildSpec): Promise<Execution> {
  const timings: Record<string, number> = {};
  const timed = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    try {
      return await work();
    } finally {
      timings[step] = Math.round(performance.now() - began);
    }
  };
  try {
    const fetched = await timed('fetch', () => fetchInputs(deps, spec));
    deps.log(formatChapter('Environment'));
    const rootOptions = { signal: deps.signal, onProgress: (line: string) => deps.log(`${line}\n`) };
    const root = await timed('root', () => deps.root.materialise(fetched.lock, fetched.base, rootOptions));
    deps.log(`${fetched.lock.packages.length} packages of the lock, ready after ${formatDuration(timings['root']!)}\n`);
    deps.log(formatChapter('Build'));
    const outcome = await timed('build', () => build(deps, spec, root.layers, fetched.directory));
    if (outcome.kind === 'aborted') return { outcome: 'aborted', timings };
    const failure = await judge(deps, outcome);
    if (failure !== undefined) return { outcome: 'failed', ...failure, timings };
    const outputs = await timed('collect', () =>
      collectOutputs(spec, join(deps.directory, 'scratch', 'upper'), fetched.paths),
    );
    if (outputs.kind === 'incomplete') return { outcome: 'failed', fault: 'package', reason: outputs.reason, timings };
    return { outcome: 'built', files: outputs.files, lock: fetched.lock, timings };
  } catch (error) {
    if (deps.signal.aborted) return { outcome: 'aborted', timings };
    return { outcome: 'failed', ...blame(error), timings };
  }
}

type Fetched = {
  readonly lock: Lock;
  readonly base: Lock | undefined;
  /** Holds the inputs, readable for everybody: it is bound into the sandbox. */
  readonly directory: string;
  readonly paths: ReadonlyMap<string, string>;
};

async function fetchInputs(deps: ExecuteDeps, spec: BuildSpec): Promise<Fetched> {
  const directory = join(deps.directory, 'inputs');
  await mkdir(directory);
  await chmod(directory, 0o755);
  const paths = new Map(spec.inputs.map(({ name }) => [name, join(directory, name)]));
  for (const input of spec.inputs) {
    const path = paths.get(input.name)!;
    await deps.fetchBlob(input.sha256, path, input.size);
    await chmod(path, 0o644);
  }
  const lock = await fetchLock(deps, 'lock', spec.lock);
  const base = spec.baseLock === spec.lock ? undefined : await fetchLock(deps, 'base-lock', spec.baseLock);
  return { lock, base, directory, paths };
}

async function fetchLock(deps: ExecuteDeps, name: string, digest: BuildSpec['lock']): Promise<Lock> {
  const path = join(deps.directory, name);
  await deps.fetchBlob(digest, path, mostLockBytes);
  return deps.parseLock(await readFile(path, 'utf8'), name);
}

async function build(
  deps: ExecuteDeps,
  spec: BuildSpec,
  layers: readonly string[],
  inputs: string,
): Promise<SandboxOutcome> {
  const { conditions = {} } = spec;
  const { directory, tree } = buildPlace(spec);
  const user = conditions.user ?? '';
  const start = ['/bin/sh', '-c', scripts.start, 'build', directory, user, ...shownCommand(spec, deps.clock.now())];
  const binary = () => [dscOf(spec), tree, spec.builds.replace('+', ','), conditions.changelogEntry ?? ''];
  const arguments_ = spec.kind === 'source' ? [tree] : [conditions.umask ?? '022', ...binary()];
  return deps.sandbox.run({
    layers,
    architecture: spec.architecture,
    scratch: join(deps.directory, 'scratch'),
    binds: [{ source: inputs, target: '/inputs', readOnly: true }],
    argv: ['env', ...toolsCommand(spec), ...start, '/bin/sh', '-c', scripts[spec.kind], 'build', ...arguments_],
    env: environmentOf(spec, deps.parallel),
    cwd: '/',
    // Only build-start.sh: the build itself runs as an ordinary user.
    user: { uid: 0, gid: 0 },
    network: 'none',
    hostname: hostnameOf(spec),
    limits: spec.limits,
    onOutput: deps.log,
    signal: deps.signal,
  });
}

/** Nothing for ordinary builds. */
function toolsCommand({ conditions = {} }: BuildSpec): string[] {
  const { tools, libraries, headers } = conditions;
  if (!needsLibrary(conditions) && [tools, libraries, headers].every((each) => each === undefined)) return [];
  const called = (libraries ?? []).flatMap(({ packages, ...each }) =>
    packages.map((name) => `${name} ${each.version} ${each.called}\n`),
  );
  const values = {
    ...tools,
    libraries: called.join(''),
    headers: (headers ?? []).map(({ text }) => text).join(''),
    ...(needsLibrary(conditions) ? { library: shownLibrary, source: scripts.shown } : {}),
  };
  const words = Object.entries(values).map(([name, value]) => `${name}=${value}`);
  return ['/bin/sh', '-c', scripts.tools, 'tools', ...words, '--'];
}

function dscOf(spec: BuildSpec): string {
  const dsc = spec.inputs.find(({ name }) => name.endsWith('.dsc'));
  if (dsc === undefined) throw new Error('the job has no .dsc among its inputs');
  return dsc.name;
}

async function judge(
  deps: ExecuteDeps,
  outcome: Exclude<SandboxOutcome, { kind: 'aborted' }>,
): Promise<{ fault: Fault; reason: string } | undefined> {
  if (outcome.kind === 'exited' && outcome.code === 0) return undefined;
  const { bavail, bsize } = await statfs(deps.directory);
  if (bavail * bsize < leastFree) return { fault: 'worker', reason: "The disk of the worker's work directory is full" };
  switch (outcome.kind) {
    case 'exited':
      return { fault: 'package', reason: `The build ended with exit code ${outcome.code}` };
    case 'killed':
      return { fault: 'package', reason: `The build was ended by ${outcome.signal}` };
    case 'limit':
      return { fault: 'package', reason: `Over a limit: ${outcome.message}` };
  }
}
