/** When root runs the tests: an ordinary user of this machine who has subordinate ids, if there is one. */
import { readFile } from 'node:fs/promises';

import { parseSubordinateIds } from '../src/plumbing/sandbox/ids.ts';

export type OrdinaryUser = { readonly name: string; readonly uid: number; readonly gid: number };

export const ordinaryUser = process.getuid!() === 0 ? await findUser() : undefined;

/** Why a test that needs one is skipped, or false. */
export const noOrdinaryUser =
  ordinaryUser !== undefined
    ? false
    : process.getuid!() === 0
      ? 'no user has subordinate ids'
      : 'the whole suite runs as an ordinary user';

/** A command line that runs another as this user. */
export function asOrdinaryUser(argv: readonly [string, ...string[]]): [string, ...string[]] {
  const { uid, gid } = ordinaryUser!;
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', ...argv];
}

async function findUser(): Promise<OrdinaryUser | undefined> {
  const [passwd, subuid, subgid] = await Promise.all(
    ['/etc/passwd', '/etc/subuid', '/etc/subgid'].map(async (file) => readFile(file, 'utf8').catch(() => '')),
  );
  for (const line of passwd!.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === undefined || uid === undefined || uid === '0') continue;
    const ranges = [subuid!, subgid!].map((text) => parseSubordinateIds(text, name, Number(uid)));
    if (ranges.every((range) => range !== undefined)) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
