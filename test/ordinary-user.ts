/**
 * When root runs the tests: an ordinary user who has subordinate ids. Where this machine has none, one is made up whom only
 * the commands that run as this user know, by an /etc of their own.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parseSubordinateIds } from '../src/plumbing/sandbox/ids.ts';

type OrdinaryUser = {
  readonly uid: number;
  readonly gid: number;
  /** What comes before a command line, for the user to be known. */
  readonly known: readonly string[];
};

export const ordinaryUser = process.getuid!() === 0 ? ((await findUser()) ?? makeUser()) : undefined;

/** Why a test that needs one is skipped, or false. */
export const noOrdinaryUser = reason();

/** A command line that runs another as this user. */
export function asOrdinaryUser(argv: readonly [string, ...string[]]): [string, ...string[]] {
  const { uid, gid, known } = ordinaryUser!;
  const words = [...known, 'setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', ...argv];
  return words as [string, ...string[]];
}

function reason(): string | false {
  if (ordinaryUser === undefined) return 'the whole suite runs as an ordinary user';
  const [program, ...words] = asOrdinaryUser(['test', '-x', process.execPath]);
  return spawnSync(program, words, { cwd: '/' }).status === 0 ? false : 'an ordinary user cannot read this checkout';
}

async function findUser(): Promise<OrdinaryUser | undefined> {
  const [passwd, subuid, subgid] = await Promise.all(
    ['/etc/passwd', '/etc/subuid', '/etc/subgid'].map(async (file) => readFile(file, 'utf8').catch(() => '')),
  );
  for (const line of passwd!.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name === undefined || uid === undefined || uid === '0') continue;
    const ranges = [subuid!, subgid!].map((text) => parseSubordinateIds(text, name, Number(uid)));
    if (ranges.every((range) => range !== undefined)) return { uid: Number(uid), gid: Number(gid), known: [] };
  }
  return undefined;
}

function makeUser(): OrdinaryUser {
  // Above all that Debian gives to users and services, below `nobody`.
  const id = 64_321;
  const etc = mkdtempSync(join(tmpdir(), 'sheaf-etc-'));
  process.once('exit', () => rmSync(etc, { recursive: true }));
  chmodSync(etc, 0o755);
  const name = 'sheaf-ordinary';
  writeFileSync(join(etc, 'passwd'), `root:x:0:0::/root:/bin/sh\n${name}:x:${id}:${id}::/nonexistent:/bin/sh\n`);
  for (const file of ['subuid', 'subgid']) writeFileSync(join(etc, file), `${name}:1500000000:65536\n`);
  const script = 'mount -t overlay overlay -o "lowerdir=$0:/etc" /etc && exec "$@"';
  return { uid: id, gid: id, known: ['unshare', '--mount', '--', 'sh', '-c', script, etc] };
}
