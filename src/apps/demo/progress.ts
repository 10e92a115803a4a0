/** What the demonstration is doing, as a person reads it: a line that moves on a terminal, plain lines elsewhere. */
import { styleText } from 'node:util';

import { spinner } from '@clack/prompts';

import { formatDuration } from '../../kit/duration.ts';

export type FinishedStep = {
  readonly title: string;
  /** Milliseconds. */
  readonly wall: number;
  readonly evidence: readonly string[];
};

export type Say = {
  /** Replaces what the moving line says. */
  readonly now: (text: string) => void;
  /** A line of evidence that stays. */
  readonly evidence: (text: string) => void;
};

export class Progress {
  readonly finished: FinishedStep[] = [];
  readonly #moving = process.stderr.isTTY === true;

  /** Runs one step; its lines go to standard error, so that standard output is free for the summary. */
  async step<T>(title: string, run: (say: Say) => Promise<T>): Promise<T> {
    const started = performance.now();
    const evidence: string[] = [];
    const line = this.#moving ? spinner({ output: process.stderr }) : undefined;
    if (line === undefined) this.print(`- ${title}`);
    line?.start(title);
    try {
      let last = '';
      const result = await run({
        now: (text) => {
          line?.message(`${title}: ${text}`);
          if (line === undefined && text !== last) this.print(`    ${text}`);
          last = text;
        },
        evidence: (text) => evidence.push(text),
      });
      const wall = performance.now() - started;
      this.finished.push({ title, wall, evidence });
      const done = `${title} ${this.#quiet(formatDuration(wall))}`;
      if (line === undefined) this.print(`  done in ${formatDuration(wall)}`);
      else line.stop(done);
      for (const text of evidence) this.print(`    ${this.#quiet(text)}`);
      return result;
    } catch (error) {
      if (line !== undefined) line.error(title);
      throw error;
    }
  }

  print(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  #quiet(text: string): string {
    return styleText('dim', text, { stream: process.stderr });
  }
}
