/** `sheaf root upgrade`: from one lock to another as a person would do it, then a test. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { judge, type TestRun } from '../../../flows/test-in-root.ts';
import { upgradeRoot, type StepName, type Upgraded } from '../../../flows/upgrade-root.ts';
import { formatDuration } from '../../../kit/duration.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Lock } from '../../../model/lock.ts';
import { parseTest, type TestFlags } from '../bisect/test-options.ts';
import { clean } from '../clean.ts';
import { interruptible } from '../interrupt.ts';
import { readLocks } from '../lock/read.ts';
import { startProgress, type Progress } from '../progress.ts';
import { style } from '../style.ts';
import { findAccount } from './account.ts';
import { openDebs } from './debs.ts';
import { keepOver } from './keep.ts';
import { openRoot, type OpenedRoot, type OpenFlags } from './open.ts';
import { newScratch } from './scratch.ts';

export type UpgradeFlags = TestFlags & Omit<OpenFlags, 'signal'> & { readonly keep?: string | undefined };

export type UpgradeReport = Upgraded & {
  readonly outcome: 'passed' | 'upgrade-failed' | 'test-failed';
  readonly architecture: string;
  /** How many packages the locks have. */
  readonly packages: { readonly from: number; readonly to: number };
  readonly test?: Omit<TestRun, 'verdict'> & {
    /** With --json: else it was shown as it came. */
    readonly output?: string;
  };
};

const mostOutput = 16 * 2 ** 20;

const words: Readonly<Record<StepName, string>> = {
  prepare: 'Reading the index of the second lock',
  plan: 'Asking apt what it will do',
  upgrade: 'Upgrading',
  remove: 'Removing what is left over',
  check: 'Comparing',
};

/** Without a test only the upgrade counts. */
export async function upgrade(
  from: string,
  to: string,
  argv: readonly string[],
  flags: UpgradeFlags,
): Promise<UpgradeReport> {
  const parsed = parseTest(['true', ...argv], flags);
  const [program, ...rest] = argv;
  const test = program === undefined ? undefined : { ...parsed, argv: [program, ...rest] as const };
  await checkKeep(flags.keep);
  // The sandbox's files are read by other ids than ours.
  process.umask(0o022);
  return interruptible(async (signal) => {
    const { locks } = await readLocks(to);
    const root = await openRoot(from, { ...flags, signal });
    const target = sameArchitecture(locks, root.lock, to);
    const scratch = flags.keep === undefined ? await newScratch(root) : await keepOver(flags.keep, root, from);
    const folder = join(tmpdir(), `sheaf-upgrade-${randomUUID()}`);
    await mkdir(folder, { mode: 0o755 });
    const progress = startProgress({ json: flags.json, unit: 'bytes' });
    try {
      const upgraded = await upgradeRoot(
        {
          sandbox: root.sandbox,
          debs: await openDebs(root.cache, flags),
          onFetch: ({ done, total }) => progress.at('Fetching packages', done, total),
          onStep: (step) => progress.at(words[step]),
        },
        { ...{ from: root.lock, to: target, layers: root.layers, scratch, folder, signal }, limits: parsed.limits },
      );
      const about = {
        ...upgraded,
        architecture: root.lock.architecture,
        packages: { from: root.lock.packages.length, to: target.packages.length },
      };
      if (upgraded.failure !== undefined || upgraded.differences.length > 0)
        return { ...about, outcome: 'upgrade-failed' };
      if (test === undefined) return { ...about, outcome: 'passed' };
      const { verdict, ...run } = await runTest(root, {
        test,
        user: flags.user,
        scratch,
        json: flags.json,
        signal,
        progress,
      });
      return { ...about, outcome: verdict === 'good' ? 'passed' : 'test-failed', test: run };
    } finally {
      progress.end();
      if (flags.keep === undefined) await root.sandbox.remove(scratch);
      await rm(folder, { recursive: true, force: true });
    }
  });
}

type Running = {
  readonly test: ReturnType<typeof parseTest>;
  readonly user: string | undefined;
  readonly scratch: string;
  readonly json: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
};

async function runTest(root: OpenedRoot, { test, user, scratch, json, signal, progress }: Running) {
  // Users that the upgrade made are in its own layer.
  const account = await findAccount([join(scratch, 'upper'), ...root.layers], user ?? 'root');
  const chunks: Uint8Array[] = [];
  progress.at(`Testing: ${test.argv.join(' ')}`);
  progress.end();
  const outcome = await root.sandbox.run({
    ...test,
    ...{ layers: root.layers, scratch, signal, hostname: 'localhost', architecture: root.lock.architecture },
    ...(json ? { limits: { ...test.limits, log: mostOutput } } : {}),
    env: { HOME: account.home, ...test.env },
    user: { uid: account.uid, gid: account.gid },
    stdio: json ? 'captured' : 'inherit',
    onOutput: (chunk) => void chunks.push(chunk),
  });
  if (outcome.kind === 'aborted') throw new SheafError('aborted', 'Cannot go on: it was called off');
  return { ...judge(outcome), ...(json ? { output: Buffer.concat(chunks).toString() } : {}) };
}

async function checkKeep(keep: string | undefined): Promise<void> {
  if (keep === undefined) return;
  const there = await readdir(keep).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? [] : [keep]));
  if (there.length === 0) return;
  throw new SheafError('output-exists', `Cannot keep the upgraded root in ${keep}: something is there already`, {
    kind: 'usage',
    hint: 'Name a directory that does not exist yet.',
  });
}

function sameArchitecture(locks: readonly Lock[], { architecture }: Lock, file: string): Lock {
  const found = locks.find((each) => each.architecture === architecture);
  if (found !== undefined) return found;
  throw new SheafError('wrong-architecture', `Cannot upgrade to the lock ${file}: it is not for ${architecture}`, {
    kind: 'usage',
    hint: `It is for ${locks.map((each) => each.architecture).join(', ')}.`,
  });
}

export function formatUpgrade(report: UpgradeReport): string[] {
  const { outcome, plan, leftOver, differences, failure, test, steps } = report;
  const spent = formatDuration(steps.reduce((sum, { duration }) => sum + duration, 0));
  const done = (Object.keys(plan) as (keyof typeof plan)[])
    .filter((name) => plan[name].length > 0)
    .map((name) => `${plan[name].length} ${name}`);
  const removed = leftOver.length === 0 ? [] : [`left over and removed: ${leftOver.join(', ')}`];
  return [
    clean(`apt: ${done.join(', ') || 'nothing to do'}; ${spent}`),
    ...removed.map(clean),
    ...(failure === undefined ? [] : formatFailure(failure)),
    ...differences.map(({ name, expected, found }) =>
      clean(`${name}: ${found ?? 'not there'}, and the lock says ${expected ?? 'that it is not there'}`),
    ),
    outcome === 'upgrade-failed'
      ? style('red', 'The upgrade failed; the test was not run.')
      : outcome === 'passed'
        ? style('green', test === undefined ? 'The upgrade went well.' : 'The upgrade went well, and the test passed.')
        : style('red', `The upgrade went well, and the test failed: ${test?.reason ?? `exit code ${test?.code}`}`),
  ];
}

function formatFailure({ step, reason, lastOutput }: NonNullable<Upgraded['failure']>): string[] {
  return [
    clean(`The step "${step}" failed: ${reason}. Its last output:`),
    ...lastOutput.map((line) => `  ${clean(line)}`),
  ];
}
