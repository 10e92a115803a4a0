/** `sheaf root run` and `sheaf root shell`: a command in a root, whose changes are thrown away. */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';

import { SheafError } from '../../../kit/error.ts';
import type { Bind, SandboxOutcome } from '../../../plumbing/sandbox/port.ts';
import { interruptible } from '../interrupt.ts';
import { findAccount } from './account.ts';
import { checkKeep, keepOver } from './keep.ts';
import { parseLimits } from './limits.ts';
import { openRoot, type OpenFlags } from './open.ts';
import { newScratch } from './scratch.ts';

export type RunFlags = Omit<OpenFlags, 'signal'> & {
  readonly bind?: readonly string[] | undefined;
  readonly network?: true | undefined;
  readonly user?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env?: readonly string[] | undefined;
  readonly limit?: readonly string[] | undefined;
  /** A directory for what the command writes. */
  readonly keep?: string | undefined;
};

export type Ran = {
  /** As shells have it: 128 and the number of the signal that ended it. */
  readonly code: number;
  readonly signal: string | undefined;
  /** Milliseconds. */
  readonly duration: number;
  /** Only with --json: else the command has our own output. */
  readonly output: string | undefined;
};

const mostOutput = 16 * 2 ** 20;

/** Throws `over-limit` when the command went over a limit that was given. */
export async function runInRoot(file: string, argv: readonly [string, ...string[]], flags: RunFlags): Promise<Ran> {
  const limits = { ...parseLimits(flags.limit ?? []), ...(flags.json ? { log: mostOutput } : {}) };
  const binds = (flags.bind ?? []).map(parseBind);
  const cwd = parseFolder(flags.cwd);
  await checkKeep(flags.keep);
  // The sandbox's files are read by other ids than ours.
  process.umask(0o022);
  return interruptible(async (signal) => {
    const root = await openRoot(file, { ...flags, signal });
    const account = await findAccount(root.layers, flags.user ?? 'root');
    const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
    const chunks: Uint8Array[] = [];
    const env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: account.home,
      LANG: 'C.UTF-8',
      ...(isTerminal && !flags.json ? { TERM: process.env['TERM'] ?? 'linux' } : {}),
      ...Object.fromEntries((flags.env ?? []).map(parseVariable)),
    };
    const scratch = flags.keep === undefined ? await newScratch(root) : await keepOver(flags.keep, root, file);
    try {
      const outcome = await root.sandbox.run({
        ...{ layers: root.layers, scratch, binds, argv, env, limits, signal },
        architecture: root.lock.architecture,
        cwd,
        user: { uid: account.uid, gid: account.gid },
        network: flags.network === true ? 'host' : 'none',
        hostname: 'localhost',
        stdio: flags.json ? 'captured' : isTerminal ? 'terminal' : 'inherit',
        onOutput: (chunk) => void chunks.push(chunk),
      });
      return {
        ...ending(outcome),
        ...(flags.json ? { output: Buffer.concat(chunks).toString() } : { output: undefined }),
      };
    } finally {
      if (flags.keep === undefined) await root.sandbox.remove(scratch);
    }
  });
}

function ending(outcome: SandboxOutcome): Omit<Ran, 'output'> {
  const duration = outcome.usage.wall;
  switch (outcome.kind) {
    case 'exited':
      return { code: outcome.code, signal: undefined, duration };
    case 'killed':
      return {
        code: 128 + (constants.signals[outcome.signal as NodeJS.Signals] ?? 0),
        signal: outcome.signal,
        duration,
      };
    case 'aborted':
      return { code: 130, signal: 'SIGINT', duration };
    case 'limit':
      throw new SheafError('over-limit', `Cannot go on with the command: ${outcome.message}`);
  }
}

/** `SRC:DST` or `SRC:DST:ro`. Throws `usage`. */
export function parseBind(text: string): Bind {
  const match = /^(?<source>[^:]+):(?<target>\/[^:]*)(?<mode>:ro|:rw)?$/.exec(text)?.groups;
  if (match === undefined) throw bad('--bind', text, 'SRC:DST or SRC:DST:ro, where DST begins with "/"');
  const source = resolve(match['source']!);
  if (!existsSync(source)) {
    throw new SheafError('usage', `Cannot bind ${source}: there is no such file or folder`, { kind: 'usage' });
  }
  return { source, target: match['target']!, readOnly: match['mode'] === ':ro' };
}

/** Where to start in a root. Throws `usage`. */
export function parseFolder(text = '/'): string {
  if (!text.startsWith('/')) throw bad('--cwd', text, 'a folder of the root, which begins with "/"');
  return text;
}

export function parseVariable(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw bad('--env', text, 'NAME=VALUE');
  return [text.slice(0, at), text.slice(at + 1)];
}

function bad(option: string, text: string, expected: string): SheafError {
  return new SheafError('usage', `Cannot read ${option} ${text}: expected ${expected}`, { kind: 'usage' });
}
