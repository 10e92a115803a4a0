/** Other readers of indexes, each with the kindest way to measure it. */
import { join } from 'node:path';

import { run } from '../../src/plumbing/process.ts';
import { childrenCpu, median, type Spent } from '../measure.ts';

export type PythonWork = 'apt_step' | 'apt_fields' | 'apt_round_trip' | 'debian_fields' | 'debian_round_trip';

/** Inside the interpreter, without its start. */
export async function pythonSpent(work: PythonWork, file: string, runs: number): Promise<Spent> {
  const script = join(import.meta.dirname, 'parse-python.py');
  const { stdout } = await runWell(['/usr/bin/python3', script, work, file, String(runs)]);
  return medianOf(JSON.parse(stdout.toString()) as Spent[]);
}

/** Every stanza printed with three of its fields: the whole program, whose start takes no time. */
export async function grepDctrlSpent(file: string, runs: number): Promise<Spent> {
  const spent: Spent[] = [];
  for (let i = 0; i < runs; i++) {
    const cpu = childrenCpu();
    const started = performance.now();
    await runWell(['grep-dctrl', '-s', 'Package,Version,SHA256', '-F', 'Package', '', file]);
    spent.push({ wall: (performance.now() - started) / 1000, cpu: childrenCpu() - cpu });
  }
  return medianOf(spent);
}

export function medianOf(spent: readonly Spent[]): Spent {
  return { wall: median(spent.map(({ wall }) => wall)), cpu: median(spent.map(({ cpu }) => cpu)) };
}

async function runWell(argv: readonly [string, ...string[]]) {
  const result = await run(argv, { limit: 2 ** 28 });
  if (result.code !== 0) throw new Error(`${argv[0]} failed: ${result.stderr.trim()}`);
  return result;
}
