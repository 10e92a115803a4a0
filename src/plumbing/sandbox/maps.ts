/** Writes the id maps of a new user namespace. */
import { writeFile } from 'node:fs/promises';

import { SheafError } from '../../kit/error.ts';
import { run } from '../process.ts';
import { idCount, type IdMap } from './ids.ts';

/**
 * `sandbox`: 0…65535 inside are the range. `owner`: 0 inside is the caller, 1…65536 are the range; only to hand files
 * over and to remove them, never to run what somebody sent.
 */
export type MapKind = 'sandbox' | 'owner';

/** Throws `sandbox-unavailable`. */
export async function writeIdMaps(pid: number, map: IdMap, kind: MapKind): Promise<void> {
  const lines = (range: { start: number }, self: number): [number, number, number][] =>
    kind === 'sandbox'
      ? [[0, range.start, idCount]]
      : [
          [0, self, 1],
          [1, range.start, idCount],
        ];
  const uids = lines(map.uid, process.getuid!());
  const gids = lines(map.gid, process.getgid!());
  if (map.privileged) {
    await writeFile(`/proc/${pid}/uid_map`, format(uids));
    await writeFile(`/proc/${pid}/gid_map`, format(gids));
    return;
  }
  await mapWith('newuidmap', pid, uids);
  await mapWith('newgidmap', pid, gids);
}

function format(lines: [number, number, number][]): string {
  return lines.map((line) => `${line.join(' ')}\n`).join('');
}

async function mapWith(program: string, pid: number, lines: [number, number, number][]): Promise<void> {
  const result = await run([program, String(pid), ...lines.flat().map(String)]).catch((error: unknown) => {
    throw new SheafError('sandbox-unavailable', `Cannot use a sandbox: this machine has no ${program}`, {
      kind: 'environment',
      hint: 'Install the Debian package uidmap: sudo apt-get install uidmap',
      cause: error,
    });
  });
  if (result.code !== 0) {
    throw new SheafError('sandbox-unavailable', `Cannot use a sandbox: ${program}: ${result.stderr.trim()}`, {
      kind: 'environment',
      hint: 'Check /etc/subuid and /etc/subgid; "sheaf doctor" says what they must hold.',
    });
  }
}
