/**
 * Programs of the host: an argv, never a shell line; output and time are bounded; nothing of our own environment is
 * passed on unless asked for.
 */
import { spawn } from 'node:child_process';
import { access, constants as fileConstants } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';

import { SheafError } from '../kit/error.ts';

export type RunOptions = {
  readonly cwd?: string;
  /** The whole environment. Default: PATH and a fixed locale. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Milliseconds; the program is killed after that. Default five minutes. */
  readonly timeout?: number;
  /** Most bytes of standard output and of standard error, each. Default 16 MiB. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
};

export type RunResult = {
  /** Exit code; 128 + number when a signal ended it, as shells say it. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
};

const path = process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const systemPath = `${path}:/usr/sbin:/sbin`;

/** Environment of a host program: PATH and messages in English. */
export const hostEnvironment: Readonly<Record<string, string>> = { PATH: systemPath, LC_ALL: 'C.UTF-8', TZ: 'UTC' };

/**
 * Runs a program to its end. A non-zero exit code is a value. Throws `program-missing` (kind environment),
 * `program-timeout`, `program-output` (more output than allowed) or `aborted`.
 */
export async function run(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...rest] = argv;
  const limit = options.limit ?? 16 * 2 ** 20;
  const timeout = options.timeout ?? 5 * 60_000;
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted === true) {
      reject(new SheafError('aborted', `Cannot run ${program}: it was called off`));
      return;
    }
    const child = spawn(program, rest, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...(options.env ?? hostEnvironment) },
      // A group of its own, so that the end of time ends its children too.
      detached: true,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    let failure: SheafError | undefined;
    const stop = (error: SheafError) => {
      failure ??= error;
      killGroup(child.pid);
    };
    const collect = (stream: NodeJS.ReadableStream | null, name: string) => {
      const chunks: Buffer[] = [];
      let size = 0;
      stream?.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= limit) chunks.push(chunk);
        else stop(new SheafError('program-output', `Cannot run ${program}: its ${name} is larger than ${limit} bytes`));
      });
      return chunks;
    };
    const stdout = collect(child.stdout, 'output');
    const stderr = collect(child.stderr, 'error output');
    const timer = setTimeout(() => {
      stop(new SheafError('program-timeout', `Cannot run ${program}: it did not end within ${timeout / 1000} s`));
    }, timeout);
    const abort = () => stop(new SheafError('aborted', `Cannot run ${program}: it was called off`));
    options.signal?.addEventListener('abort', abort, { once: true });
    const settle = () => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
    };
    child.on('error', (error: NodeJS.ErrnoException) => {
      settle();
      reject(failure ?? startError(program, options.cwd, error));
    });
    child.on('close', (code, signal) => {
      settle();
      if (failure !== undefined) reject(failure);
      else {
        resolve({
          code: code ?? 128 + signalNumber(signal),
          stdout: Buffer.concat(stdout),
          stderr: Buffer.concat(stderr).toString(),
        });
      }
    });
    // A program that ends before it has read its input is no error of ours: its exit code tells.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
  });
}

/** The output as text of a program that must succeed. Throws `program-failed` with the end of its error output. */
export async function runChecked(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<string> {
  const result = await run(argv, options);
  if (result.code !== 0) {
    const said = result.stderr.trim().slice(-2000);
    throw new SheafError('program-failed', `Cannot run ${argv[0]}: it ended with exit code ${result.code}: ${said}`);
  }
  return result.stdout.toString();
}

function startError(program: string, cwd: string | undefined, error: NodeJS.ErrnoException): SheafError {
  if (error.code !== 'ENOENT') {
    return new SheafError('program-failed', `Cannot run ${program}: ${error.message}`, { cause: error });
  }
  const where = cwd === undefined ? '' : ` (or the directory ${cwd} does not exist)`;
  return new SheafError('program-missing', `Cannot run ${program}: this machine has no such program${where}`, {
    kind: 'environment',
    hint: `Install the Debian package that has ${program}; "sheaf doctor" names it.`,
    cause: error,
  });
}

/** The program's file, as a shell would find it, with /usr/sbin and /sbin. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']) {
    if (folder === '') continue;
    const file = join(folder, name);
    const there = await access(file, fileConstants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  return undefined;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : constants.signals[signal];
}
