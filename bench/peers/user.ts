/**
 * Whose account the peer runs in. sbuild's unshare mode wants an ordinary user with subordinate ids: an ordinary caller
 * is one already; root gets the user "sheaf-bench", which is made once and stays.
 */
import { chown, readFile } from 'node:fs/promises';

import { SheafError } from '../../src/kit/error.ts';
import { run, runChecked } from '../../src/plumbing/process.ts';
import { progress } from '../measure.ts';

export type PeerUser = {
  /** In front of every command of the peer's. */
  readonly prefix: readonly string[];
  /** Gives a folder to the user. */
  readonly own: (path: string) => Promise<void>;
};

const name = 'sheaf-bench';

/** Throws `no-subordinate-ids` (kind environment) when there are none for the user. */
export async function peerUser(): Promise<PeerUser> {
  if (process.getuid!() !== 0) {
    await checkSubordinateIds((await runChecked(['id', '-un'])).trim(), process.getuid!());
    return { prefix: [], own: async () => {} };
  }
  if ((await run(['id', '-u', name])).code !== 0) {
    progress(`making the user "${name}" for sbuild (userdel ${name} removes it)`);
    await runChecked([
      'useradd',
      '--no-create-home',
      '--home-dir',
      '/nonexistent',
      '--shell',
      '/usr/sbin/nologin',
      name,
    ]);
  }
  const [uid, gid] = [await id('-u'), await id('-g')];
  await checkSubordinateIds(name, uid);
  return {
    prefix: ['setpriv', '--reuid', String(uid), '--regid', String(gid), '--clear-groups', '--'],
    own: (path) => chown(path, uid, gid),
  };
}

async function id(flag: '-u' | '-g'): Promise<number> {
  return Number(await runChecked(['id', flag, name]));
}

async function checkSubordinateIds(user: string, uid: number): Promise<void> {
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    if (lines.some((line) => line.startsWith(`${user}:`) || line.startsWith(`${uid}:`))) continue;
    throw new SheafError('no-subordinate-ids', `Cannot run sbuild as ${user}: ${file} has no ids for it`, {
      kind: 'environment',
      hint: `As root, run: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user}`,
    });
  }
}
