/**
 * A working tree on the way that tags go, as far as a machine can go it alone: the same inputs, the same locks, the same
 * two builds and checks of what they left. Nothing is recorded, signed or published.
 */
import { constants } from 'node:fs';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  buildNeeds,
  checkFiles,
  executeBuild,
  formatFooter,
  formatTop,
  isControlFile,
  planBinaryTasks,
  withoutUdebs,
  type ExecuteDeps,
  type Field,
  type OutputFile,
} from '../build/mod.ts';
import { parseDsc } from '../formats/deb/dsc.ts';
import { exportWorkingTree, type WorkingSource } from '../intake/mod.ts';
import type { Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { parseLock } from '../lock/mod.ts';
import type { Distribution, Suite } from '../model/distribution.ts';
import type { BuildSpec, Fault } from '../model/job.ts';
import type { Architecture } from '../model/names.ts';
import type { Blobs } from '../plumbing/blobs.ts';
import type { WorkingTree } from '../plumbing/git/port.ts';
import type { Environments } from './environment.ts';

/** What is to come out: the source package, packages of the architecture, packages of all architectures. */
export type BuildPart = 'source' | 'any' | 'all';

export type WorkingTreeDeps = Pick<ExecuteDeps, 'sandbox' | 'root' | 'clock' | 'parallel' | 'log' | 'signal'> & {
  readonly distribution: Distribution;
  /** Of this build alone. */
  readonly blobs: Blobs;
  readonly environments: Environments;
  /** An empty directory of this build alone, to be removed by the sandbox. */
  readonly scratch: string;
};

export type WorkingTreeRequest = {
  readonly directory: string;
  readonly tree: WorkingTree;
  /** Undefined: the one that the changelog names, or the only one there is. */
  readonly suite: string | undefined;
  readonly architecture: Architecture;
  /** Undefined: all that the tree has for the architecture. */
  readonly parts: readonly BuildPart[] | undefined;
  /** A lock among the blobs to build in, instead of apt's answer. */
  readonly lock: Sha256 | undefined;
  /** Called with the source package's files, when they are asked for, before the long part begins. */
  readonly onSource: (files: readonly OutputFile[]) => Promise<void>;
};

export type WorkingTreeBuild = Pick<WorkingSource, 'source' | 'version' | 'upstream'> & {
  readonly suite: Suite;
  readonly parts: readonly BuildPart[];
  readonly lock: Sha256;
  readonly files: readonly OutputFile[];
  /** Milliseconds: `tree`, `lock`, `source` (all of making the source package), and those of the packages' build. */
  readonly timings: Readonly<Record<string, number>>;
  readonly failure: { readonly fault: Fault; readonly reason: string } | undefined;
};

/** Throws what `exportWorkingTree` throws, `no-suite`, `nothing-to-build`, `uninstallable`, `aborted`. */
export async function buildWorkingTree(deps: WorkingTreeDeps, request: WorkingTreeRequest): Promise<WorkingTreeBuild> {
  const timings: Record<string, number> = {};
  const timed = async <T>(step: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const done = await work();
    timings[step] = Math.round(performance.now() - began);
    return done;
  };
  const source = await timed('tree', () => exportWorkingTree(deps, request.directory, request.tree));
  const suite = chooseSuite(deps.distribution, request.suite, source.distributions);
  const { parts, builds } = planParts(source, suite, request);
  const environment = await timed('lock', () => solve(deps, request, suite, source, builds));
  const { lock, baseLock } = environment;
  const spec = {
    ...{ source: source.source, version: source.version, sourceDateEpoch: source.sourceDateEpoch },
    ...{ architecture: request.architecture, baseLock, limits: deps.distribution.build.limits },
  };
  const about = { source: source.source, version: source.version, upstream: source.upstream, suite, parts, timings };

  const from: readonly Field[] = [
    ['Tree', request.directory],
    ...(source.upstream === undefined ? [] : [[`Upstream ${source.upstream.kind}`, source.upstream.name] as const]),
  ];
  const sourceSpec = { ...spec, kind: 'source', builds: 'source', inputs: source.inputs, lock: baseLock } as const;
  const made = await timed('source', () =>
    buildOne(deps, sourceSpec, formatTop(sourceSpec, suite.name, from, deps.clock.now()), new Map()),
  );
  if (made.failure !== undefined) return { ...about, lock: baseLock, files: [], failure: made.failure };
  const sourceFiles = parts.includes('source') ? made.files : [];
  await request.onSource(sourceFiles);
  if (builds === undefined) return { ...about, lock: baseLock, files: sourceFiles, failure: undefined };

  const inputs = made.files.map(({ name, sha256, size }) => ({ name, sha256, size }));
  const paths = new Map(made.files.map(({ sha256, path }) => [sha256, path]));
  const binarySpec = { ...spec, kind: 'binary', builds, inputs, lock, ...(await conditionsOf(made.files)) } as const;
  const built = await buildOne(deps, binarySpec, formatTop(binarySpec, suite.name, from, deps.clock.now()), paths);
  Object.assign(timings, built.timings);
  return { ...about, lock, files: [...sourceFiles, ...built.files], failure: built.failure };
}

async function conditionsOf(source: readonly OutputFile[]): Promise<Pick<BuildSpec, 'conditions'>> {
  const dsc = source.find(({ name }) => name.endsWith('.dsc'))!;
  return withoutUdebs(parseDsc(await readFile(dsc.path, 'utf8'), dsc.name).stanza);
}

function chooseSuite({ suites }: Distribution, named: string | undefined, distributions: readonly string[]): Suite {
  const all = [...suites.values()];
  const [only] = all.length === 1 ? all : all.filter((suite) => distributions.includes(suite.name));
  const found = named === undefined ? only : all.find(({ name }) => name === named);
  if (found !== undefined) return found;
  const state =
    named === undefined
      ? `the changelog names ${distributions.join(', ')}, which is none of its suites`
      : `it has no suite ${named}`;
  throw new SheafError('no-suite', `Cannot choose a suite of ${all.length} in sheaf.toml: ${state}`, {
    kind: 'usage',
    hint: `Name one: --suite ${all.map(({ name }) => name).join(' or ')}`,
  });
}

type Plan = { readonly parts: readonly BuildPart[]; readonly builds: 'any' | 'all' | 'any+all' | undefined };

/** A server builds packages of `all` on one architecture only; here they belong to what the tree has. */
function planParts(source: WorkingSource, suite: Suite, { architecture, parts: asked }: WorkingTreeRequest): Plan {
  if (!suite.architectures.includes(architecture)) {
    const known = suite.architectures.join(', ');
    throw new SheafError('wrong-architecture', `Cannot build for ${architecture}: suite ${suite.name} has ${known}`, {
      kind: 'usage',
      hint: `Name one of them with --arch, or add ${architecture} to the suite in sheaf.toml.`,
    });
  }
  const here = { ...suite, architectures: [architecture], archAll: architecture };
  const has = (planBinaryTasks(source.control.architectures, here)[0]?.builds.split('+') ?? []) as BuildPart[];
  const missing = (asked ?? []).find((part) => part !== 'source' && !has.includes(part));
  if (missing !== undefined) {
    throw new SheafError(
      'nothing-to-build',
      `Cannot build ${missing} of ${source.source}: debian/control has no such package for ${architecture}`,
      { kind: 'usage', hint: `It has: ${['source', ...has].join(', ')}.` },
    );
  }
  const parts = asked ?? ['source', ...has];
  const [any, all] = [parts.includes('any'), parts.includes('all')];
  return { parts, builds: any && all ? 'any+all' : any ? 'any' : all ? 'all' : undefined };
}

async function solve(
  deps: WorkingTreeDeps,
  { architecture, lock }: WorkingTreeRequest,
  suite: Suite,
  { source, version, control }: WorkingSource,
  builds: Plan['builds'],
): Promise<{ readonly lock: Sha256; readonly baseLock: Sha256 }> {
  if (lock !== undefined) return { lock, baseLock: lock };
  const { environments } = deps;
  const environment =
    builds === undefined
      ? await environments.base(suite, architecture)
      : await environments.build(suite, architecture, buildNeeds(control.source, builds));
  if (environment.kind === 'solved') return environment;
  throw new SheafError(
    'uninstallable',
    `Cannot build ${source} ${version}: what it needs cannot be installed: ${environment.explanation}`,
    { hint: `Build-Depends in debian/control must be in the upstream ${suite.upstream} of suite ${suite.name}.` },
  );
}

type Built = Pick<WorkingTreeBuild, 'files' | 'timings' | 'failure'>;

async function buildOne(
  deps: WorkingTreeDeps,
  spec: BuildSpec,
  head: string,
  paths: ReadonlyMap<Sha256, string>,
): Promise<Built> {
  const directory = join(deps.scratch, spec.kind);
  await mkdir(directory, { mode: 0o711 });
  deps.log(head);
  const fetchBlob = (digest: Sha256, path: string) =>
    copyFile(paths.get(digest) ?? deps.blobs.path(digest), path, constants.COPYFILE_FICLONE);
  const execution = await executeBuild({ ...deps, directory, parseLock, fetchBlob }, spec);
  const { outcome, timings } = execution;
  if (outcome === 'aborted') throw new SheafError('aborted', `Cannot go on building ${spec.source}: it was called off`);
  const files = outcome === 'built' ? execution.files : [];
  const failure = outcome === 'built' ? await judge(spec, files) : execution;
  const status = failure === undefined ? 'successful' : 'failed';
  deps.log(formatFooter({ status, ...failure, timings, files }, deps.clock.now()));
  return failure === undefined
    ? { files, timings, failure }
    : { files: [], timings, failure: { fault: failure.fault, reason: failure.reason } };
}

/** A server would refuse them for the same reasons. */
async function judge(spec: BuildSpec, files: readonly OutputFile[]): Promise<WorkingTreeBuild['failure']> {
  const texts = new Map<string, string>();
  for (const { name, path } of files) if (isControlFile(name)) texts.set(name, await readFile(path, 'utf8'));
  const plain = files.map(({ name, sha256, size }) => ({ name, sha256, size }));
  const reasons = checkFiles(spec, plain, texts);
  return reasons.length === 0 ? undefined : { fault: 'package', reason: reasons.join('; ') };
}
