/** A folder of aptly: `public/`, and below it one archive for each prefix that something is published at. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { SheafError } from '../../kit/error.ts';
import { isFolder } from '../is-folder.ts';
import type { Managed } from './reprepro.ts';
import { openForeignTree } from './tree.ts';

/** Prefixes have few parts. */
const deepest = 4;

/** `prefix`: `.` is that of archives without one. Throws `not-aptly`, `which-prefix`, and what `openForeignTree` does. */
export async function openAptly(directory: string, prefix: string | undefined): Promise<Managed> {
  const published = join(directory, 'public');
  if (!(await isFolder(published))) {
    throw new SheafError('not-aptly', `Cannot import ${directory}: it has no folder public/`, {
      kind: 'usage',
      hint: 'Name the rootDir of aptly.conf, by default ~/.aptly. What aptly publishes elsewhere is imported with: sheaf import tree DIR',
    });
  }
  const prefixes = await findPrefixes(published);
  const [only] = prefixes;
  const chosen = prefix ?? (prefixes.length === 1 ? only : undefined);
  if (chosen === undefined || !prefixes.includes(chosen)) {
    const state =
      prefixes.length === 0
        ? 'nothing is published in it'
        : prefix === undefined
          ? `there are archives at several prefixes: ${prefixes.join(', ')}`
          : `nothing is published at prefix "${prefix}", only at ${prefixes.join(', ')}`;
    throw new SheafError('which-prefix', `Cannot import ${directory}: ${state}`, {
      kind: 'usage',
      hint:
        prefixes.length === 0
          ? 'Publish it first, or import the folder that it is published in: sheaf import tree DIR'
          : `Each becomes a repository of its own: sheaf import aptly ${directory} --prefix ${only} --repository NAME`,
    });
  }
  const others = prefixes.filter((each) => each !== chosen);
  return {
    tree: await openForeignTree(join(published, chosen)),
    notes: others.length === 0 ? [] : [`Not imported: what is published at ${others.join(', ')}; see --prefix.`],
  };
}

async function findPrefixes(published: string): Promise<string[]> {
  const found: string[] = [];
  const waiting = ['.'];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const entries = await readdir(join(published, next), { withFileTypes: true });
    if (entries.some((entry) => entry.name === 'dists' && entry.isDirectory())) found.push(next);
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name === 'dists' || entry.name === 'pool') continue;
      const below = next === '.' ? entry.name : `${next}/${entry.name}`;
      if (below.split('/').length <= deepest) waiting.push(below);
    }
  }
  return found.toSorted();
}
