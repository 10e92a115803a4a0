/**
 * One run of enter.pl from start to end: the handshake, the watch over time, silence and output, and what came out.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { constants, release } from 'node:os';
import { fileURLToPath } from 'node:url';

import { formatSize } from '../../kit/bytes.ts';
import { formatDuration } from '../../kit/duration.ts';
import { SheafError } from '../../kit/error.ts';
import type { BuildLimits } from '../../model/distribution.ts';
import { hostEnvironment } from '../process.ts';
import type { IdMap } from './ids.ts';
import { writeIdMaps } from './maps.ts';
import type { LimitName, SandboxOutcome, SandboxSpec } from './port.ts';

const script = fileURLToPath(new URL('enter.pl', import.meta.url));

/**
 * How namespaces are entered: with a network of its own, with the host's, to start an OCI runtime that makes the others
 * itself, or only to be owner of files. By unshare(1), because Ubuntu's AppArmor rules know programs, not system calls.
 */
export type EntryMode = 'none' | 'host' | 'oci' | 'owner';

const all = ['--user', '--mount', '--pid', '--ipc', '--uts', '--cgroup'];
const namespaces: Readonly<Record<EntryMode, readonly string[]>> = {
  none: [...all, '--net'],
  host: all,
  oci: ['--user', '--mount', '--pid'],
  owner: ['--user'],
};

export type SessionOptions = {
  readonly mode: EntryMode;
  readonly map: IdMap;
  /** Names and values, flat, as `parse_spec` in enter.pl reads them. */
  readonly words: readonly string[];
  readonly limits: BuildLimits;
  readonly stdio?: SandboxSpec['stdio'];
  readonly onOutput: (chunk: Uint8Array) => unknown;
  readonly onError?: ((chunk: Uint8Array) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

type Ending =
  | { readonly kind: 'limit'; readonly limit: LimitName; readonly message: string }
  | { readonly kind: 'aborted' };

/** Runs to the end of the last process inside. Throws `sandbox-unavailable`. */
export async function runSession(options: SessionOptions): Promise<SandboxOutcome> {
  const started = performance.now();
  const isCaptured = (options.stdio ?? 'captured') === 'captured';
  const child = spawn('unshare', ['--keep-caps', ...namespaces[options.mode], '--', 'perl', script, options.mode], {
    env: { ...hostEnvironment },
    // Signals of the caller's terminal are the caller's business.
    detached: true,
    stdio: isCaptured ? ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'] : [0, 1, 'pipe', 'pipe', 'pipe', 2],
  });
  const control = child.stdio[3] as Duplex;
  const status = new StatusLines(child.stdio[4] as Readable);
  const complaints = collectText(child.stderr!);
  const closed = whenClosed(child);
  control.on('error', () => {});

  let ending: Ending | undefined;
  const end = (reason: Ending) => {
    ending ??= reason;
    // The supervisor sees the end of its control pipe and ends everything inside.
    control.destroy();
  };
  const { silence, log } = isCaptured ? options.limits : { silence: Infinity, log: Infinity };
  const watch = new Watch({ ...options.limits, silence, log }, end);
  const abort = () => end({ kind: 'aborted' });
  if (options.signal?.aborted === true) abort();
  options.signal?.addEventListener('abort', abort, { once: true });
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= error;
    end({ kind: 'aborted' });
  };
  // Its type ends at the fifth.
  const stdio: readonly unknown[] = child.stdio;
  const taken = [
    listen(child.stdout, watch, options.onOutput, fail),
    listen(stdio[5] as Readable | null, watch, options.onError ?? (() => {}), fail),
  ];
  const restore = options.stdio === 'terminal' ? takeTerminal() : undefined;
  try {
    await Promise.race([status.ready, closed]);
    if (status.isReady && ending === undefined) {
      await writeIdMaps(child.pid!, options.map, options.mode === 'owner' ? 'owner' : 'sandbox').catch(
        async (error) => {
          control.destroy();
          await closed;
          throw error;
        },
      );
      control.write(encodeWords(options.words));
    }
    const code = await closed;
    await Promise.all(taken.map(async (each) => each()));
    if (failure !== undefined) throw failure;
    const usage = { wall: Math.round(performance.now() - started), peakMemory: status.peakMemory };
    const last = status.last;
    // What the command itself came to counts before an abort that came too late.
    if (last?.[0] === 'exit') return { kind: 'exited', code: Number(last[1]), usage };
    if (last?.[0] === 'signal') return { kind: 'killed', signal: signalName(Number(last[1])), usage };
    if (last?.[0] === 'limit') return { ...limitReached(last[1]!, Number(last[2]), options.limits), usage };
    if (ending !== undefined) return { ...ending, usage };
    if (options.mode === 'owner' && last?.[0] !== 'error') return { kind: 'exited', code, usage };
    throw unavailable(last?.[0] === 'error' ? last.slice(1).join(' ') : complaints.text().trim(), code);
  } finally {
    restore?.();
    watch.stop();
    options.signal?.removeEventListener('abort', abort);
    control.destroy();
  }
}

/**
 * Hands on what comes, and reads no more while it is not taken. What goes wrong there is the caller's to throw. The
 * answer waits until all was taken.
 */
function listen(
  stream: Readable | null,
  watch: Watch,
  take: (chunk: Uint8Array) => unknown,
  fail: (error: unknown) => void,
): () => Promise<void> {
  let all = Promise.resolve();
  stream?.on('error', () => {});
  stream?.on('data', (chunk: Buffer) => {
    const allowed = watch.output(chunk.length);
    if (allowed <= 0) return;
    const taken = take(chunk.subarray(0, allowed));
    if (!(taken instanceof Promise)) return;
    stream.pause();
    const done = taken.catch(fail).finally(() => stream.resume());
    // Node reads on by itself when the program has ended, so there can be several.
    all = all.then(async () => done);
  });
  return async () => all;
}

/** Each key goes to the command as it is pressed; the answer gives our terminal back. */
function takeTerminal(): () => void {
  process.stdin.setRawMode(true);
  return () => process.stdin.setRawMode(false);
}

/** Time, silence and output: what can be seen from outside. */
class Watch {
  readonly #limits: BuildLimits;
  readonly #end: (reason: Ending) => void;
  readonly #timers: NodeJS.Timeout[] = [];
  #bytes = 0;
  #lastOutput = performance.now();

  constructor(limits: BuildLimits, end: (reason: Ending) => void) {
    this.#limits = limits;
    this.#end = end;
    this.#after(limits.wall, () => {
      end({ kind: 'limit', limit: 'wall', message: `It ran longer than ${formatDuration(limits.wall)}.` });
    });
    this.#watchSilence(limits.silence);
  }

  /** Counts output; answers how many bytes of it may still be passed on. */
  output(length: number): number {
    this.#lastOutput = performance.now();
    const allowed = Math.max(0, Math.min(length, this.#limits.log - this.#bytes));
    this.#bytes += length;
    if (this.#bytes > this.#limits.log) {
      this.#end({
        kind: 'limit',
        limit: 'log',
        message: `It wrote more than ${formatSize(this.#limits.log)} of output.`,
      });
    }
    return allowed;
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #watchSilence(delay: number): void {
    this.#after(delay, () => {
      const rest = this.#limits.silence - (performance.now() - this.#lastOutput);
      if (rest > 0) this.#watchSilence(rest);
      else {
        const message = `It wrote no output for ${formatDuration(this.#limits.silence)}.`;
        this.#end({ kind: 'limit', limit: 'silence', message });
      }
    });
  }

  #after(milliseconds: number, action: () => void): void {
    // Longer delays overflow a timer's 32 bits and would fire at once.
    this.#timers.push(setTimeout(action, Math.min(Math.ceil(milliseconds), 2 ** 31 - 1)));
  }
}

function limitReached(name: string, value: number, limits: BuildLimits): Ending {
  switch (name) {
    case 'memory':
      return {
        kind: 'limit',
        limit: 'memory',
        message: `It used ${formatSize(value)} of memory, more than ${formatSize(limits.memory)}.`,
      };
    case 'processes':
      return {
        kind: 'limit',
        limit: 'processes',
        message: `It ran ${value} processes at once, more than ${limits.processes}.`,
      };
    case 'disk':
      return {
        kind: 'limit',
        limit: 'disk',
        message: `It wrote ${formatSize(value)} to disk, more than ${formatSize(limits.disk)}.`,
      };
    default:
      return {
        kind: 'limit',
        limit: 'disk',
        message: `The disk of the scratch directory is full: ${formatSize(value)} are left.`,
      };
  }
}

/** The status lines of enter.pl. */
class StatusLines {
  readonly ready: Promise<void>;
  isReady = false;
  peakMemory = 0;
  /** The words of the last line that says how it ended. */
  last: readonly string[] | undefined;

  constructor(stream: Readable) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    let rest = '';
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop()!;
      for (const line of lines) {
        const words = line.split(' ');
        if (words[0] === 'ready') {
          this.isReady = true;
          resolve();
        } else if (words[0] === 'usage') this.peakMemory = Number(words[1]);
        else if (words[0] !== 'killed') this.last ??= words;
      }
    });
  }
}

function encodeWords(words: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (const word of words) {
    const bytes = Buffer.from(word);
    if (bytes.includes(0)) throw new SheafError('bad-sandbox-spec', 'Cannot start a sandbox: a value has a NUL byte');
    parts.push(length(bytes), bytes);
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([length(body), body]);
}

function length(bytes: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(bytes.length);
  return prefix;
}

function collectText(stream: Readable): { text: () => string } {
  let text = '';
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    if (text.length < 8192) text += chunk.toString();
  });
  return { text: () => text };
}

async function whenClosed(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(unavailable(error.message, 127)));
    child.on('close', (code) => resolve(code ?? 255));
  });
}

function unavailable(reason: string, code: number): SheafError {
  const text = reason === '' ? `the supervisor ended with exit code ${code}` : reason;
  return new SheafError('sandbox-unavailable', `Cannot start a sandbox: ${text}`, {
    kind: 'environment',
    hint: hints.find(([word]) => text.includes(word))![1],
  });
}

/** By what enter.pl says that it could not do. */
const hints: readonly (readonly [word: string, hint: string])[] = [
  [
    'the overlay',
    'The work and cache directories must be on a filesystem that overlay can write to, such as ext4, xfs or btrfs.',
  ],
  [
    'binfmt_misc',
    `Programs of another architecture need Linux 6.7 or newer, with binfmt_misc; this is ${release()}. Work on a machine of that architecture, or with a newer kernel.`,
  ],
  ['', 'Run "sheaf doctor": it says what this machine lacks for sandboxes and how to add it.'],
];

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}
