/** git: a repository with one commit for each version of the file, packed by `git gc`. */
import { spawn } from 'node:child_process';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runChecked } from '../../src/plumbing/process.ts';

export class GitHistory {
  readonly #directory: string;
  #commits = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async make(): Promise<void> {
    await mkdir(this.#directory);
    await this.#git('init', '--quiet');
    await this.#git('config', 'user.name', 'bench');
    await this.#git('config', 'user.email', 'bench@example.org');
    await this.#git('config', 'gc.auto', '0');
  }

  async commit(bytes: Buffer): Promise<void> {
    await writeFile(join(this.#directory, 'Packages'), bytes);
    await this.#git('add', 'Packages');
    await this.#git('commit', '--quiet', '--message', 'version');
    this.#commits++;
  }

  async pack(): Promise<void> {
    await this.#git('gc', '--quiet', '--prune=now');
  }

  /** Of all objects, as git itself counts them: packs, their indexes, and what is loose. */
  async bytes(): Promise<number> {
    const said = await this.#git('count-objects', '--verbose');
    return (
      1024 *
      ['size', 'size-pack'].reduce((sum, key) => sum + Number(new RegExp(`^${key}: (.*)$`, 'm').exec(said)![1]), 0)
    );
  }

  /** Version `number`, counted from 0, written to a file. */
  async restore(number: number, file: string): Promise<void> {
    const output = await open(file, 'w');
    try {
      const argv = ['-C', this.#directory, 'show', `HEAD~${this.#commits - 1 - number}:Packages`];
      const child = spawn('git', argv, { stdio: ['ignore', output.fd, 'inherit'] });
      const code = await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
      if (code !== 0) throw new Error(`git show ended with exit code ${String(code)}`);
    } finally {
      await output.close();
    }
  }

  async #git(...argv: string[]): Promise<string> {
    return runChecked(['git', '-C', this.#directory, ...argv], { timeout: 60 * 60_000 });
  }
}
