/** A folder of reprepro: where it publishes, and what conf/distributions says. reprepro(1). */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { field, parseStanzas, type Stanza } from '../../formats/deb/deb822.ts';
import { SheafError } from '../../kit/error.ts';
import { openForeignTree, type ForeignTree } from './tree.ts';

export type Managed = {
  readonly tree: ForeignTree;
  /** What a person should know of the program's own settings. */
  readonly notes: readonly string[];
};

/** Throws `not-reprepro`, and what `openForeignTree` does. */
export async function openReprepro(directory: string): Promise<Managed> {
  const configuration = join(directory, 'conf');
  const stanzas = await readDistributions(join(configuration, 'distributions'));
  if (stanzas === undefined) {
    throw new SheafError('not-reprepro', `Cannot import ${directory}: it has no conf/distributions`, {
      kind: 'usage',
      hint: 'Name the folder that reprepro is called with: reprepro -b DIR.',
    });
  }
  const outdir = await outputFolder(directory, configuration);
  const tree = await openForeignTree(outdir);
  const names = new Set(tree.suites.flatMap(({ name, aliases }) => [name, ...aliases]));
  const notes: string[] = [];
  for (const stanza of stanzas) {
    const codename = field(stanza, 'Codename') ?? '';
    if (!names.has(codename)) notes.push(`${codename}: conf/distributions has it, but it was never exported.`);
    const followed = ['Update', 'Pull'].filter((name) => field(stanza, name) !== undefined);
    if (followed.length > 0) {
      notes.push(
        `${codename}: conf/distributions says ${followed.join(' and ')}, which does not come along: see sheaf upstream add and sheaf suite copy.`,
      );
    }
    if (field(stanza, 'UDebComponents') !== undefined)
      notes.push(`${codename}: packages of the installer (.udeb) are left out.`);
  }
  return { tree, notes };
}

async function readDistributions(path: string): Promise<Stanza[] | undefined> {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return undefined;
  const files = facts.isDirectory()
    ? (await readdir(path))
        .filter((name) => name.endsWith('.conf'))
        .toSorted()
        .map((name) => join(path, name))
    : [path];
  const texts = await Promise.all(files.map(async (file) => ({ file, text: await readFile(file, 'utf8') })));
  return texts.flatMap(({ file, text }) => parseStanzas(text, file));
}

/** `outdir` of conf/options: without it the base folder. `+b/` begins at that, `+c/` at conf. */
async function outputFolder(base: string, configuration: string): Promise<string> {
  const text = await readFile(join(configuration, 'options'), 'utf8').catch(() => '');
  const value = /^[ \t]*(?:--)?outdir(?:[ \t]+|=)(\S.*?)[ \t]*$/m.exec(text)?.[1];
  if (value === undefined) return base;
  if (value.startsWith('+b/')) return join(base, value.slice(3));
  if (value.startsWith('+c/')) return join(configuration, value.slice(3));
  return resolve(base, value);
}
