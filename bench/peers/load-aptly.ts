/**
 * aptly learns of suites: a mirror with a filter that nothing passes, so that `mirror update` fetches and reads the
 * indexes and then has no package to download.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Commands to run one after the other. */
export async function aptlyMirror(
  directory: string,
  url: string,
  suites: readonly string[],
): Promise<readonly string[][]> {
  await mkdir(directory, { recursive: true });
  const config = join(directory, 'aptly.conf');
  await writeFile(config, JSON.stringify({ rootDir: directory, architectures: ['amd64'], gpgDisableVerify: true }));
  const nothing = 'Name (= no-package-is-called-so)';
  return suites.flatMap((suite) => {
    const aptly = (...args: string[]) => ['aptly', `-config=${config}`, ...args];
    return [
      aptly('-with-sources', `-filter=${nothing}`, 'mirror', 'create', suite, `${url}/`, suite, 'main'),
      aptly('-ignore-signatures', 'mirror', 'update', suite),
    ];
  });
}
