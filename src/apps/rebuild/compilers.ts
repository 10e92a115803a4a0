/** What the compiler of an environment was called at another time: from its changelog, which is in the environment. */
import { parseLock } from '../../lock/mod.ts';
import type { Sha256 } from '../../kit/digest.ts';
import type { Blobs } from '../../plumbing/blobs.ts';
import { openDebFile } from '../../plumbing/deb-file.ts';
import { gunzip } from '../../plumbing/compression.ts';
import { guessCompilers } from '../../rebuild/mod.ts';
import type { DebStore } from '../../root/mod.ts';
import { readEntryBytes } from './deb-facts.ts';

const largest = 2 ** 24;

/** Empty where the environment has no gcc. Throws what fetching and reading its package throw. */
export async function findCompilers(
  { blobs, debs }: { readonly blobs: Blobs; readonly debs: DebStore },
  lock: Sha256,
  at: number,
): Promise<readonly string[]> {
  const { packages } = parseLock((await blobs.read(lock)).toString(), 'lock');
  const compiler = packages.filter(({ name }) => /^cpp-\d+$/.test(name)).at(-1);
  const base = packages.find(({ name }) => name === compiler?.name.replace('cpp', 'gcc') + '-base');
  if (base === undefined) return [];
  const [path] = await debs.fetch([base], {});
  const deb = await openDebFile(path!);
  for await (const entry of deb.entries()) {
    if (entry.path !== `usr/share/doc/${base.name}/changelog.Debian.gz` || entry.type !== 'file') continue;
    return guessCompilers(gunzip(await readEntryBytes(entry, largest), largest).toString(), at);
  }
  return [];
}
