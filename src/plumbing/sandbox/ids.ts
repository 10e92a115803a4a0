/**
 * Which ids of the host a sandbox's ids 0…65535 stand for: never root, never the caller's own.
 *
 * An ordinary user gets a range from /etc/subuid and /etc/subgid (subuid(5)). Root takes root's line there if it has
 * one, else a range far above all that Debian gives out.
 */
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';

import { SheafError } from '../../kit/error.ts';

export type IdRange = { readonly start: number; readonly count: number };

export type IdMap = {
  readonly uid: IdRange;
  readonly gid: IdRange;
  /** True when the caller may write the map itself; else newuidmap and newgidmap do it. */
  readonly privileged: boolean;
};

/** As systemd-nspawn's choice for containers (UIDRange 524288…1879048191), its last 64 Ki. */
const rootRange: IdRange = { start: 1_878_982_656, count: 65_536 };
export const idCount = 65_536;

/** The first range of at least 65,536 ids for a user, by name or by number. Broken lines are passed over. */
export function parseSubordinateIds(text: string, name: string, uid: number): IdRange | undefined {
  for (const line of text.split('\n')) {
    const [owner, start, count] = line.split(':');
    if (owner !== name && owner !== String(uid)) continue;
    if (start === undefined || count === undefined || !/^\d+$/.test(start) || !/^\d+\s*$/.test(count)) continue;
    if (Number(count) >= idCount && Number(start) > 0) return { start: Number(start), count: idCount };
  }
  return undefined;
}

/** Throws `sandbox-unavailable` when the calling user has no range. */
export async function findIdMap(): Promise<IdMap> {
  const uid = process.getuid!();
  const name = userName(uid);
  const [uids, gids] = await Promise.all(['/etc/subuid', '/etc/subgid'].map((file) => readOptional(file)));
  const range = { uid: parseSubordinateIds(uids!, name, uid), gid: parseSubordinateIds(gids!, name, uid) };
  if (uid === 0) return { uid: range.uid ?? rootRange, gid: range.gid ?? rootRange, privileged: true };
  if (range.uid === undefined || range.gid === undefined) {
    const file = range.uid === undefined ? '/etc/subuid' : '/etc/subgid';
    throw new SheafError(
      'sandbox-unavailable',
      `Cannot use a sandbox: ${file} gives the user ${name} no range of ${idCount} ids`,
      { kind: 'environment', hint: subordinateIdsFix(name) },
    );
  }
  return { uid: range.uid, gid: range.gid, privileged: false };
}

/** The command that gives a user its ranges. */
export function subordinateIdsFix(name: string): string {
  return `sudo usermod --add-subuids 524288-589823 --add-subgids 524288-589823 ${name}   (or another free range of 65536)`;
}

export function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid);
  }
}

async function readOptional(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
