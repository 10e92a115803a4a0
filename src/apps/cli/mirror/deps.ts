/** Mirrors of an opened distribution: folders, programs and secrets behind the flow's ports. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { repositoryDirectory } from '../../../archive/mod.ts';
import type { MirrorDeps, PushRecord } from '../../../flows/push-mirror.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Distribution, Mirror } from '../../../model/distribution.ts';
import { withFileLock } from '../../../plumbing/file-lock.ts';
import { folderTarget } from '../../../plumbing/mirror-target/folder.ts';
import { openManifest, readJson, writeJson } from '../../../plumbing/mirror-target/memory.ts';
import { hashFile, readPointers, readTree } from '../../../plumbing/mirror-target/read-tree.ts';
import { rsyncTarget } from '../../../plumbing/mirror-target/rsync.ts';
import { s3Target } from '../../../plumbing/mirror-target/s3.ts';
import { bucketCredentials } from '../../../plumbing/s3/credentials.ts';
import { hostEnvironment } from '../../../plumbing/process.ts';
import type { House } from '../../house.ts';
import { addressOf } from './place.ts';

type Variables = Readonly<Record<string, string | undefined>>;

export function mirrorDeps(house: Pick<House, 'db' | 'paths' | 'clock'>, env: Variables = process.env): MirrorDeps {
  const rootOf = (mirror: Mirror) => repositoryDirectory(house.paths.archive, mirror.repository);
  return {
    db: house.db,
    now: house.clock.now,
    tree: (mirror) => ({
      read: () => readTree(rootOf(mirror)),
      readPointers: () => readPointers(rootOf(mirror)),
      readText: (source) => readFile(source, 'utf8'),
      hash: hashFile,
    }),
    open: async (mirror, signal) => {
      const { place } = mirror;
      if (place.kind === 'folder') return folderTarget(place.folder);
      if (place.kind === 'rsync') {
        return rsyncTarget({ root: rootOf(mirror), ...place, env: remoteEnvironment(env), signal });
      }
      const { bucket: url, region } = place;
      return s3Target({
        url,
        region,
        credentials: await bucketCredentials(`mirror.${mirror.name}`, place, env),
        now: house.clock.now,
        signal,
      });
    },
    memory: (mirror) => {
      const file = (name: string) => join(house.paths.state, 'mirrors', mirror.name, name);
      return {
        manifest: () => openManifest(file('manifest'), addressOf(mirror)),
        load: async () => (await readJson(file('last-push.json'))) as PushRecord | undefined,
        save: (record) => writeJson(file('last-push.json'), record),
        lock: (work) => lock(mirror, file('lock'), work),
      };
    },
  };
}

/** ssh finds the user's keys by these, and an rsync daemon's password. */
function remoteEnvironment(env: Variables): Record<string, string> {
  const names = ['HOME', 'SSH_AUTH_SOCK', 'RSYNC_PASSWORD'];
  const given = names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  return { ...hostEnvironment, ...Object.fromEntries(given) };
}

async function lock<T>(mirror: Mirror, file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await withFileLock(file, work, 1000);
  } catch (error) {
    if (!(error instanceof SheafError) || error.code !== 'lock-timeout') throw error;
    throw new SheafError('mirror-busy', `Cannot push to mirror "${mirror.name}": another push to it is running`, {
      kind: 'environment',
      hint: 'Wait for it to end: sheaf mirror status',
      cause: error,
    });
  }
}

/** Throws `unknown-mirror`. None named: all. */
export function chooseMirrors(distribution: Pick<Distribution, 'mirrors'>, names: readonly string[]): Mirror[] {
  const all = [...(distribution.mirrors?.values() ?? [])];
  if (names.length === 0) return all;
  return [...new Set(names)].map((name) => {
    const found = all.find((mirror) => mirror.name === name);
    if (found !== undefined) return found;
    throw new SheafError('unknown-mirror', `Cannot find mirror "${name}": sheaf.toml has none of this name`, {
      kind: 'usage',
      hint:
        all.length === 0
          ? 'Add one: sheaf mirror add NAME --folder DIR'
          : `There are: ${all.map((mirror) => mirror.name).join(', ')}`,
    });
  });
}
