/** Stopwatches: wall and CPU seconds of stages, medians, and an orderly end when a person presses Ctrl-C. */
import { readdirSync, readFileSync } from 'node:fs';

/** Seconds. */
export type Spent = { readonly wall: number; readonly cpu: number };

/** What one run cost, by stage, in the order of the stages. */
export type Stages = ReadonlyMap<string, Spent>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median of each stage over the runs; a stage is there when the first run has it. */
export function medianStages(runs: readonly Stages[]): Map<string, Spent> {
  const names = [...(runs[0]?.keys() ?? [])];
  return new Map(
    names.map((name) => [
      name,
      {
        wall: median(runs.map((run) => run.get(name)!.wall)),
        cpu: median(runs.map((run) => run.get(name)!.cpu)),
      },
    ]),
  );
}

/** Runs stages one after the other and keeps what each cost. `cpu` answers the CPU seconds used so far. */
export class Stopwatch {
  readonly stages = new Map<string, Spent>();
  readonly #cpu: () => number;

  constructor(cpu: () => number) {
    this.#cpu = cpu;
  }

  async stage<T>(name: string, run: () => Promise<T>): Promise<T> {
    const cpu = this.#cpu();
    const started = performance.now();
    const result = await run();
    this.stages.set(name, { wall: (performance.now() - started) / 1000, cpu: this.#cpu() - cpu });
    return result;
  }
}

export function sumStages(stages: Iterable<Spent>): Spent {
  let [wall, cpu] = [0, 0];
  for (const spent of stages) {
    wall += spent.wall;
    cpu += spent.cpu;
  }
  return { wall, cpu };
}

/** Linux counts in hundredths of a second on every architecture that Node runs on (USER_HZ). */
const ticks = 100;

/** CPU seconds of all children of this process that have ended, with theirs (proc(5), fields 16 and 17). */
export function childrenCpu(): number {
  const stat = readStat('self');
  return stat === undefined ? 0 : stat.ofChildren;
}

/**
 * CPU seconds of these processes and everything below them, the ended ones included: what an ended process used moves
 * to the one that waited for it, so the sum over a living tree loses nothing.
 */
export function treeCpu(roots: readonly number[]): number {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(name) : undefined;
    if (stat !== undefined) stats.set(Number(name), stat);
  }
  const isBelow = (pid: number): boolean => {
    const stat = stats.get(pid);
    return roots.includes(pid) || (stat !== undefined && isBelow(stat.parent));
  };
  let sum = 0;
  for (const [pid, stat] of stats) {
    // The benchmark's own looking on is nobody's work.
    if (isBelow(pid)) sum += stat.ofChildren + (pid === process.pid ? 0 : stat.own);
  }
  return sum;
}

/** Follows the CPU seconds of trees of processes, so that they can be told by stage when the stages' times are known. */
export class CpuSampler {
  readonly #roots: readonly number[];
  #samples: { readonly at: number; readonly cpu: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(roots: readonly number[]) {
    this.#roots = roots;
  }

  start(): void {
    this.#samples = [];
    this.#take();
    this.#timer = setInterval(() => this.#take(), 250);
  }

  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#take();
  }

  /** CPU seconds between two times (milliseconds since the epoch), straight lines between the samples. */
  between(from: number, to: number): number {
    return this.#at(to) - this.#at(from);
  }

  #take(): void {
    this.#samples.push({ at: Date.now(), cpu: treeCpu(this.#roots) });
  }

  #at(time: number): number {
    const after = this.#samples.findIndex(({ at }) => at >= time);
    if (after <= 0) return (after === 0 ? this.#samples[0] : this.#samples.at(-1))?.cpu ?? 0;
    const [left, right] = [this.#samples[after - 1]!, this.#samples[after]!];
    return left.cpu + ((right.cpu - left.cpu) * (time - left.at)) / (right.at - left.at);
  }
}

type Stat = { readonly parent: number; readonly own: number; readonly ofChildren: number };

function readStat(pid: string): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // It has just ended.
  }
  // The name in parentheses may hold spaces: fields are counted from behind it, the state being the third.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const seconds = (index: number) => fields[index - 3]! / ticks;
  return { parent: fields[4 - 3]!, own: seconds(14) + seconds(15), ofChildren: seconds(16) + seconds(17) };
}

/**
 * What some work costs: this process, the children that end during it, and `others`, which tells the CPU seconds so far of
 * processes that are nobody's children here.
 */
export async function spent<T>(
  work: () => Promise<T>,
  others: () => number = () => 0,
): Promise<Spent & { readonly result: T }> {
  const own = process.cpuUsage();
  const before = childrenCpu() + others();
  const started = performance.now();
  const result = await work();
  const wall = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(own);
  return { wall, cpu: (user + system) / 1e6 + childrenCpu() + others() - before, result };
}

/** Says what is going on, on standard error, so that standard output stays free for the result. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Runs with a signal that SIGINT and SIGTERM set off; exits 130 after everything has been cleaned up. */
export async function withInterrupt(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  const stop = () => {
    progress('stopping, and cleaning up');
    abort.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await run(abort.signal);
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
  if (abort.signal.aborted) process.exitCode = 130;
}
