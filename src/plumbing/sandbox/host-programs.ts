/** Programs of the host in a sandbox that sees nothing else of the host: for those that open what others send. */
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Bind } from './port.ts';

/** Of the host, read only: programs with their data, and the few settings without which some of them do not start. */
const hostPaths = [
  ...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc/alternatives', '/etc/dpkg/origins'],
  ...['/etc/manpath.config', '/etc/ld.so.cache'],
];

/** What to bind; the user 1000 of the sandbox has this name. `directory` is made, to keep the accounts in. */
export async function hostProgramBinds(directory: string, user: string): Promise<Bind[]> {
  await mkdir(directory, { mode: 0o755 });
  await writeAccounts(directory, user);
  const binds: Bind[] = [];
  for (const path of hostPaths) if (await exists(path)) binds.push({ source: path, target: path, readOnly: true });
  for (const name of ['passwd', 'group']) {
    binds.push({ source: join(directory, name), target: `/etc/${name}`, readOnly: true });
  }
  return binds;
}

async function writeAccounts(directory: string, user: string): Promise<void> {
  const accounts = `root:x:0:0::/:/bin/sh\n${user}:x:1000:1000::/work:/bin/sh\n`;
  await writeFile(join(directory, 'passwd'), accounts, { mode: 0o644 });
  await writeFile(join(directory, 'group'), `root:x:0:\n${user}:x:1000:\n`, { mode: 0o644 });
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
