/** Who runs in a root: names are those of its own /etc/passwd. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { SheafError } from '../../../kit/error.ts';

export type Account = { readonly uid: number; readonly gid: number; readonly home: string };

/** What a sandbox has. */
const largestId = 65_535;

/** A name or a number; a number needs no entry. Throws `no-such-user`. */
export async function findAccount(layers: readonly string[], user: string): Promise<Account> {
  const entries = parsePasswd(await readPasswd(layers));
  const found = entries.find(({ name, uid }) => name === user || String(uid) === user);
  if (found !== undefined) return found;
  if (user === 'root') return { uid: 0, gid: 0, home: '/root' };
  if (/^\d{1,5}$/.test(user) && Number(user) <= largestId)
    return { uid: Number(user), gid: Number(user), home: '/nonexistent' };
  throw new SheafError('no-such-user', `Cannot run as ${user}: the root has no such user`, {
    kind: 'usage',
    hint: `Name one by a number up to ${largestId}, or see which it has: sheaf root run LOCK -- getent passwd`,
  });
}

/** passwd(5): name, password, uid, gid, comment, home, shell. */
function parsePasswd(text: string): (Account & { readonly name: string })[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , uid = '', gid = '', , home = ''] = line.split(':');
    if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home: home || '/' }];
  });
}

/** From the topmost layer that has it; never through a link, which would lead to the host's. */
async function readPasswd(layers: readonly string[]): Promise<string> {
  for (const layer of layers) {
    const file = await open(join(layer, 'etc/passwd'), constants.O_RDONLY | constants.O_NOFOLLOW).catch(
      () => undefined,
    );
    if (file === undefined) continue;
    try {
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  }
  return '';
}
