/** apt and python3-debian, asked through one Python process for each question. */
import { join } from 'node:path';

import { SheafError } from '../../src/kit/error.ts';
import { run } from '../../src/plumbing/process.ts';

const script = join(import.meta.dirname, 'oracle.py');
/** Not the first python3 of PATH: the modules belong to Debian's. */
const python = '/usr/bin/python3';

/** Standard output of oracle.py. Throws `oracle-failed` with its words. */
export async function askOracle(argv: readonly string[], input?: string): Promise<Buffer> {
  const options = { timeout: 10 * 60_000, limit: 2 ** 30, ...(input === undefined ? {} : { input }) };
  const { code, stdout, stderr } = await run([python, script, ...argv], options);
  if (code === 0) return stdout;
  throw new SheafError('oracle-failed', `Cannot ask oracle.py ${argv.join(' ')}: ${stderr.trim().slice(-500)}`, {
    kind: 'environment',
    hint: 'It needs the Debian packages python3-apt and python3-debian: ./run setup corpus',
  });
}

/** One answer for each question. */
export async function askLines(command: string, questions: readonly string[]): Promise<string[]> {
  if (questions.length === 0) return [];
  const answers = (await askOracle([command], questions.map((line) => `${line}\n`).join(''))).toString().split('\n');
  answers.pop();
  if (answers.length === questions.length) return answers;
  throw new SheafError(
    'oracle-failed',
    `Cannot ask oracle.py ${command}: it gave ${answers.length} answers to ${questions.length}`,
  );
}
