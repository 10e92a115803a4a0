/**
 * What apt has answered, in its state directory: the same question to the same indexes has the same answer, and apt
 * needs half a second for it. Refusals are not kept: they are asked again after something was mended.
 */
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { sha256 } from '../../kit/digest.ts';
import type { LockedPackage } from '../../model/lock.ts';
import { replaceFile } from '../replace-file.ts';

/** Some hundred kilobytes each. */
const mostAnswers = 200;

export class Answers {
  readonly #directory: string;
  readonly #name: string;

  /** `question` is all that the answer depends on: what is asked, and the hashes of the signed indexes. */
  constructor(state: string, question: unknown) {
    this.#directory = join(state, 'answers');
    this.#name = sha256(JSON.stringify(question)).slice(0, 40);
  }

  /** Undefined when there is no whole answer. */
  async recall(): Promise<readonly LockedPackage[] | undefined> {
    const text = await readFile(join(this.#directory, this.#name), 'utf8').catch(() => '');
    try {
      return JSON.parse(text) as LockedPackage[];
    } catch {
      return undefined;
    }
  }

  /** Only while the state directory is locked. */
  async remember(packages: readonly LockedPackage[]): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const path = join(this.#directory, this.#name);
    await replaceFile(path, JSON.stringify(packages));
    const names = await readdir(this.#directory);
    if (names.length > mostAnswers) await this.#forgetOlderHalf(names);
  }

  async #forgetOlderHalf(names: readonly string[]): Promise<void> {
    const dated = await Promise.all(
      names.map(async (name) => ({ name, time: (await stat(join(this.#directory, name))).mtimeMs })),
    );
    dated.sort((a, b) => a.time - b.time);
    for (const { name } of dated.slice(0, mostAnswers / 2)) await rm(join(this.#directory, name), { force: true });
  }
}
