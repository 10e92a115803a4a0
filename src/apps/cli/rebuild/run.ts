/** `sheaf rebuild run`: from words to a verdict, and what is left of it. */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';

import { findHeaderPatches } from '../../../flows/rebuild-headers.ts';
import { describeEvent, rebuild, type RebuildDeps, type RebuildEvent, type Rebuilt } from '../../../flows/rebuild.ts';
import type { PlanHouse } from '../../../flows/rebuild-plan.ts';
import { systemClock } from '../../../kit/clock.ts';
import { formatDuration } from '../../../kit/duration.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Architecture } from '../../../model/names.ts';
import type { RebuildMode, Verdict } from '../../../model/rebuild.ts';
import { withSharedLock } from '../../../plumbing/file-lock.ts';
import { describeExplained } from '../../../rebuild/mod.ts';
import { compareForCause } from '../../rebuild/compare.ts';
import { findCompilers } from '../../rebuild/compilers.ts';
import { headerFiles } from '../../rebuild/header-files.ts';
import { readDebFacts } from '../../rebuild/deb-facts.ts';
import { joined, keepDocuments } from '../../rebuild/documents.ts';
import { recordResult } from '../../rebuild/record.ts';
import { createRunner } from '../../rebuild/runner.ts';
import { cacheDirectory } from '../../roots.ts';
import { nativeArchitecture } from '../../../plumbing/native-architecture.ts';
import { commandLineActor } from '../actor.ts';
import { clean } from '../clean.ts';
import { exitCodes } from '../exit.ts';
import { readLocks } from '../lock/read.ts';
import type { Progress } from '../progress.ts';
import { newScratch } from '../root/scratch.ts';
import { style, styleState } from '../style.ts';
import type { FileComparison } from '../../compare-debs.ts';
import { formatDifferences } from './text.ts';
import { lookDeeper, writePages } from './depth.ts';
import { findTarget } from './target.ts';
import { throwUnreadable } from '../unreadable.ts';
import { lockOfBuilds, type Workshop } from './workshop.ts';

export type RunFlags = {
  readonly from: readonly string[];
  readonly mode?: RebuildMode | undefined;
  readonly arch?: Architecture | undefined;
  readonly lock?: string | undefined;
  readonly output?: string | undefined;
  /** Most builds to find a cause. */
  readonly experiments: number;
  readonly nocheck?: true | undefined;
  readonly plain?: true | undefined;
  readonly diffoscope?: true | undefined;
  readonly again?: true | undefined;
};

/** Throws for what the caller did wrong; everything else is a verdict. */
export async function runRebuild(workshop: Workshop, word: string, flags: RunFlags): Promise<Rebuilt> {
  return withSharedLock(lockOfBuilds(workshop.directory), () => run(workshop, word, flags));
}

async function run(workshop: Workshop, word: string, flags: RunFlags): Promise<Rebuilt> {
  const { house, blobs, sandbox, signal, progress } = workshop;
  const architecture = flags.arch ?? nativeArchitecture();
  const target = await findTarget({ house, blobs, architecture, from: flags.from[0] }, word).catch(throwUnreadable);
  const lock = flags.lock === undefined ? undefined : (await readLocks(flags.lock)).locks[0];
  const output = flags.output === undefined ? undefined : await openOutput(resolve(flags.output));
  const planHouse: PlanHouse | undefined = house && { ...house, mirror: house.follow.mirror, signal };
  const runBuild = createRunner({
    ...workshop,
    directory: join(workshop.directory, 'builds'),
    ...{ clock: systemClock, parallel: availableParallelism(), again: flags.again === true },
    newScratch: () => newScratch({ cache: cacheDirectory(), sandbox }),
  });
  const deps: RebuildDeps = {
    ...{ house: planHouse, blobs, limits: workshop.limits, clock: systemClock, signal, run: runBuild },
    ...{ readFacts: readDebFacts, compare: compareForCause },
    compilers: (environment, at) => findCompilers(workshop, environment, at),
    headers: async (environment, since) =>
      planHouse === undefined
        ? []
        : findHeaderPatches({ ...planHouse, ...headerFiles(workshop.debs) }, environment, since),
    report: (event) => tell(progress, event),
  };
  const { mode, experiments, from } = flags;
  const [nocheck, plain] = [flags.nocheck === true, flags.plain === true];
  const rebuilt = await rebuild(deps, { ...target, from, mode, lock, experiments, nocheck, plain });
  const depth = flags.diffoscope === true ? await lookDeeper(workshop, rebuilt) : undefined;
  const kept = { ...rebuilt, result: await keepDocuments(blobs, rebuilt, depth) };
  // What is killed between the two is done again, and then recorded once.
  if (output !== undefined) {
    if (depth !== undefined) {
      await writeFile(join(output, 'diffoscope.txt'), depth);
      await writePages(workshop, kept, output);
    }
    await writeOutput(output, kept);
  }
  if (house !== undefined) await recordResult(house, kept.result, { actor: commandLineActor() });
  return kept;
}

/** Before anything is built, so that no build is in vain; an earlier result goes. Throws `no-output`. */
async function openOutput(directory: string): Promise<string> {
  try {
    await mkdir(join(directory, 'files'), { recursive: true });
    for (const name of ['result.json', 'difference.json', 'diffoscope.txt'])
      await rm(join(directory, name), { force: true });
    return directory;
  } catch (cause) {
    throw new SheafError('no-output', `Cannot write to ${directory}: ${(cause as Error).message}`, {
      kind: 'usage',
      hint: 'Name a folder by --output that can be made, or written to.',
      cause,
    });
  }
}

/** result.json last: where it is, all is there. */
async function writeOutput(directory: string, { result, built, logs, difference }: Rebuilt): Promise<void> {
  for (const { name, path } of built) await copyFile(path, join(directory, 'files', name));
  await writeFile(join(directory, 'log'), joined(logs));
  if (difference !== undefined)
    await writeFile(join(directory, 'difference.json'), `${JSON.stringify(difference, null, 2)}\n`);
  await writeFile(join(directory, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
}

function tell(progress: Progress, event: RebuildEvent): void {
  const text = describeEvent(event);
  if (event.kind === 'step') progress.at(text);
  else progress.line(text);
}

/** As `diff` has them: 0 the same, 1 different; 3 when nothing can be said. */
export function exitCodeOf(verdict: Verdict): number {
  return {
    reproduced: exitCodes.done,
    differs: exitCodes.refused,
    failed: exitCodes.environment,
    unknown: exitCodes.environment,
  }[verdict];
}

export function formatRebuilt({ result, difference }: Pick<Rebuilt, 'result' | 'difference'>): string[] {
  const { source, version, architecture, mode, place, verdict, reason, files, causes, experiments } = result;
  const where = place === undefined ? '' : ` of ${place}`;
  const took = formatDuration(Date.parse(result.finishedOn) - Date.parse(result.startedOn));
  return [
    `${style('bold', clean(`${source} ${version} (${architecture})${where}:`))} ${styleState(verdict)}` +
      style('dim', `  ${mode}, ${took}`),
    ...(reason === undefined ? [] : [clean(`  ${reason}`)]),
    ...files.map((each) => `  ${styleState(each.verdict)}${' '.repeat(12 - each.verdict.length)}${clean(each.file)}`),
    ...causes.map((each) => clean(`  ${wordOf(verdict, each.confirmed)}: ${describeExplained(each)}`)),
    ...experiments.map((each) =>
      style('dim', clean(`  tried with ${each.restored}: ${each.verdict}, ${Math.round(each.seconds)} s`)),
    ),
    ...(verdict === 'differs' && difference !== undefined
      ? formatDifferences(difference as Readonly<Record<string, FileComparison>>, 12).map((line) => `  ${line}`)
      : []),
  ];
}

function wordOf(verdict: Verdict, isConfirmed: boolean): string {
  if (!isConfirmed) return 'perhaps';
  return verdict === 'reproduced' ? 'restored' : 'cause';
}
