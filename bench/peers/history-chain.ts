/** zstd: the first version compressed, each further one as a patch from the version before. */
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { runChecked } from '../../src/plumbing/process.ts';

/** The whole of the version before must be within reach. */
const flags = ['--long=27', '--quiet', '--force'] as const;

export class PatchChain {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async make(): Promise<void> {
    await mkdir(this.#directory);
  }

  /** `before` is undefined for the first version. */
  async add(number: number, file: string, before: string | undefined): Promise<void> {
    const level = before === undefined ? '-9' : '-3';
    const from = before === undefined ? [] : [`--patch-from=${before}`];
    await runChecked(['zstd', level, ...flags, ...from, file, '-o', this.#path(number)]);
  }

  async bytes(): Promise<number> {
    const names = await readdir(this.#directory);
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(this.#directory, name))).size));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  async restore(number: number, file: string): Promise<void> {
    const next = `${file}.next`;
    for (let at = 0; at <= number; at++) {
      const from = at === 0 ? [] : [`--patch-from=${file}`];
      await runChecked(['zstd', '--decompress', ...flags, ...from, this.#path(at), '-o', next]);
      await rename(next, file);
    }
  }

  #path(number: number): string {
    return join(this.#directory, `${number}.zst`);
  }
}
