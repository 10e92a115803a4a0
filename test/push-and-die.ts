/** `node push-and-die.ts ROOT FOLDER MEMORY N`: pushes to a folder, and kills itself in the N-th write; 0: never. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { planMirror, pushToStore } from '../src/mirror/mod.ts';
import { folderTarget } from '../src/plumbing/mirror-target/folder.ts';
import { openManifest } from '../src/plumbing/mirror-target/memory.ts';
import { hashFile, readTree } from '../src/plumbing/mirror-target/read-tree.ts';

const [root = '', folder = '', memory = '', step = '0'] = process.argv.slice(2);
const target = folderTarget(folder);
let count = 0;

async function dying<T>(work: () => Promise<T>): Promise<T> {
  count += 1;
  // Somewhere in the middle of it.
  if (count === Number(step)) setImmediate(() => process.kill(process.pid, 'SIGKILL'));
  return work();
}

try {
  const entries = await readTree(root);
  const readRelease = (source: string) => readFile(source, 'utf8');
  const plan = await planMirror({ entries, links: true, digests: new Map(), readRelease });
  const manifest = await openManifest(join(memory, 'manifest'), 'test');
  const faulty = {
    ...target,
    put: (file: Parameters<typeof target.put>[0]) => dying(() => target.put(file)),
    link: (link: Parameters<typeof target.link>[0]) => dying(() => target.link(link)),
  };
  await pushToStore({ target: faulty, manifest, hash: hashFile }, plan, { parallel: 2, verify: false, delete: false });
  manifest.flush();
} catch (error) {
  console.error((error as { code?: string }).code, error);
  process.exitCode = 1;
}
