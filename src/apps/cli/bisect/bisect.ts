/** `sheaf bisect`: from words to a walk, and its result as text. */
import { join } from 'node:path';

import { bisect as search, type BisectResult, type Culprit } from '../../../flows/bisect.ts';
import type { BisectEvent, Try } from '../../../flows/bisect-tries.ts';
import { recordPublications } from '../../../flows/record-publication.ts';
import { formatDuration } from '../../../kit/duration.ts';
import { SheafError } from '../../../kit/error.ts';
import { readLockSpec, type LockSpec } from '../../../lock/spec.ts';
import { nativeArchitecture } from '../../../plumbing/native-architecture.ts';
import { createUnshareSandbox } from '../../../plumbing/sandbox/unshare.ts';
import type { House } from '../../house.ts';
import { openCache, rootDeps } from '../../roots.ts';
import { clean } from '../clean.ts';
import { formatChangelog } from '../diff/text.ts';
import { interruptible } from '../interrupt.ts';
import { lockChangelogs } from '../lock/changelogs.ts';
import { startProgress, type Progress } from '../progress.ts';
import { checkFolders, LocalDebs } from '../root/debs.ts';
import { style } from '../style.ts';
import { count } from '../upstream/words.ts';
import { openState, testFacts, type StateFlags } from './state.ts';
import { parseTest, type TestFlags } from './test-options.ts';
import { lastLines, lockTester } from './try-lock.ts';

export type BisectFlags = TestFlags &
  StateFlags & {
    readonly good: string;
    readonly bad: string;
    /** The place whose snapshots are walked, where the specification has several. */
    readonly from?: string | undefined;
    readonly arch?: string | undefined;
    /** Folders that have packages too. */
    readonly debs?: readonly string[] | undefined;
    readonly json: boolean;
  };

export type Bisected = BisectResult & {
  /** The directory with what every try wrote, and its lock. */
  readonly state: string;
  readonly lastOutput: readonly string[];
};

type BisectHouse = Pick<House, 'lock' | 'paths' | 'publications'>;

export async function bisect(
  house: BisectHouse,
  file: string,
  argv: readonly [string, ...string[]],
  flags: BisectFlags,
): Promise<Bisected> {
  const test = parseTest(argv, flags);
  const spec = forOne(await readLockSpec(file), flags.arch);
  const place = choosePlace(spec, flags.from);
  await checkFolders('--debs', flags.debs ?? []);
  const user = flags.user ?? 'root';
  const { good, bad } = flags;
  const state = await openState({ spec, place, good, bad, user, test: await testFacts(test) }, flags);
  if (spec.from.some((each) => !each.includes('/'))) await recordPublications(house.publications);
  // The sandbox's files are read by other ids than ours.
  process.umask(0o022);
  const sandbox = createUnshareSandbox();
  const cache = await openCache();
  const debs = new LocalDebs(join(cache, 'debs'), [...(flags.debs ?? []), house.paths.blobs], '--debs');
  const roots = { ...rootDeps(sandbox, cache), debs, account: null };
  const progress = startProgress({ json: flags.json });
  let last: Try | undefined;
  try {
    return await interruptible(async (signal) => {
      const result = await search(
        {
          ...{ lock: house.lock, memory: state, signal },
          runTest: lockTester({ roots, sandbox, test, user, logOf: state.logOf }),
          changelogs: (locks) =>
            lockChangelogs(
              locks.flatMap(({ packages }) => packages),
              { json: flags.json, signal },
            ),
          report: (event) => {
            if (event.kind === 'tried') last = event.try;
            tell(progress, event);
          },
        },
        { spec, place, good, bad },
      );
      const failed = result.tries.findLast(({ verdict }) => verdict === 'bad')!;
      const lastOutput = failed.log === undefined ? [] : await lastLines(failed.log);
      return { ...result, state: state.directory, lastOutput };
    });
  } catch (error) {
    throw await withOutput(error, last);
  } finally {
    progress.end();
  }
}

/** An end that is not what it was said to be is mostly a test that cannot run there: what it wrote says why. */
async function withOutput(error: unknown, last: Try | undefined): Promise<unknown> {
  if (!(error instanceof SheafError) || error.code !== 'bisect-ends' || last?.log === undefined) return error;
  // Why there is no root stands in its log again.
  const lines = last.verdict === 'skip' && last.code === undefined ? [] : await lastLines(last.log);
  if (lines.length === 0) return error;
  const { code, kind, hint } = error;
  const message = `${error.message}. Its last output:\n${lines.map((line) => `  ${clean(line)}`).join('\n')}`;
  return new SheafError(code, message, { kind, hint, cause: error });
}

/** This machine's, where there are several and none is named. */
function forOne(spec: LockSpec, named: string | undefined): LockSpec {
  const wanted = named ?? (spec.architectures.length === 1 ? spec.architectures[0]! : nativeArchitecture());
  const found = spec.architectures.find((each) => each === wanted);
  if (found !== undefined) return { ...spec, architectures: [found] };
  throw new SheafError('wrong-architecture', `Cannot look for the update on ${wanted}: nothing is asked for it`, {
    kind: 'usage',
    hint: `The specification is for ${spec.architectures.join(', ')}: name one with --arch.`,
  });
}

function choosePlace({ from }: LockSpec, named: string | undefined): string {
  const suiteOf = (place: string) => place.replace(/@.*/, '');
  const fitting = from.filter((each) => named === undefined || suiteOf(each) === suiteOf(named));
  if (fitting.length === 1) return fitting[0]!;
  throw new SheafError(
    'usage',
    named === undefined
      ? 'Cannot look for the update: it is not said in which suite'
      : `Cannot look for the update in ${named}: the specification does not have it`,
    { kind: 'usage', hint: `Name one with --from: ${from.map(suiteOf).join(', ')}.` },
  );
}

function tell(progress: Progress, event: BisectEvent): void {
  switch (event.kind) {
    case 'begin':
      return progress.line(
        `${event.stage === 'snapshots' ? count(event.states, 'snapshot') : count(event.states, 'changed source')}, ` +
          `about ${event.rounds} to try`,
      );
    case 'solving':
      return progress.at(`Asking apt for ${event.what}`);
    case 'testing':
      return progress.at(`Testing ${event.what}`);
    case 'tried':
      return progress.line(formatTry(event.try));
  }
}

function whyOf({ reason, code }: Pick<Try, 'reason' | 'code'>): string {
  return reason?.split('\n', 2).join(' ') ?? `exit code ${code}`;
}

function formatTry({ verdict, what, duration, known, ...why }: Try): string {
  return `${verdict.padEnd(4)} ${what}: ${whyOf(why)}${known ? ', known' : why.code === undefined ? '' : `, ${formatDuration(duration)}`}`;
}

export function formatBisected(found: Bisected): string[] {
  const { culprits, alone, good, bad, state, lastOutput } = found;
  const single = culprits.length === 1;
  const heading = single
    ? `The test fails since ${versionOf(culprits[0]!)}`
    : `The test fails since one of ${count(culprits.length, 'source package')}, which cannot be tried apart`;
  return [
    style('bold', clean(heading)),
    ...culprits.flatMap((each) => formatCulprit(each, single)),
    ...(alone === false ? ['  Not alone: it takes other changes between these snapshots too.'] : []),
    '',
    clean(`good  ${good.snapshot}  ${state}/runs/${good.lock}.lock`),
    clean(`bad   ${bad.snapshot}  ${state}/runs/${bad.lock}.lock`),
    ...formatSkipped(found),
    ...(lastOutput.length === 0 ? [] : ['', style('dim', 'The end of what the test wrote when it failed:')]),
    ...lastOutput.map((line) => `  ${clean(line)}`),
    // Long ones would hide the rest.
    ...culprits.flatMap((each) => formatChangelog(each)),
  ];
}

/** Nobody reads more reasons. */
const mostSkipped = 8;

function formatSkipped({ skipped, tries }: Bisected): string[] {
  if (skipped.length === 0) return [];
  const passed = tries.filter(({ stage, what }) => stage === 'snapshots' && skipped.includes(what));
  return [
    `In between ${count(skipped.length, 'snapshot')} could not be tried, so that more packages changed than between neighbours:`,
    ...passed.slice(0, mostSkipped).map(({ what, log, ...rest }) => {
      const more = log === undefined ? '' : ` (${log})`;
      return clean(`  ${what}: ${whyOf(rest)}${more}`);
    }),
    ...(passed.length > mostSkipped ? [`  … and ${passed.length - mostSkipped} more: --json has them all`] : []),
  ];
}

function versionOf({ source, oldVersion, newVersion }: Culprit): string {
  if (newVersion === undefined) return `${source} is gone (was ${oldVersion})`;
  return `${source} ${newVersion}${oldVersion === undefined ? '' : ` (was ${oldVersion})`}`;
}

function formatCulprit(culprit: Culprit, single: boolean): string[] {
  return [
    ...(single ? [] : [`  ${clean(versionOf(culprit))}`]),
    ...culprit.changes.map(({ name, change, old, new: now }) => {
      const versions = [old?.version, now?.version].filter((each) => each !== undefined).join(' → ');
      return clean(`  ${change.padEnd(10)} ${name} ${versions}`);
    }),
  ];
}
