/** A mirror in a folder: on another disk, or one that something else shares or carries away. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { isDiskFull } from '../../kit/disk-full.ts';
import { describeError, SheafError } from '../../kit/error.ts';
import type { HashedFile, Held, MirrorLink } from '../../model/mirror.ts';
import { syncDirectory } from '../blobs.ts';
import { hasSymbolicLinks, linksHint } from '../symbolic-links.ts';
import { hashFile, unlessMissing } from './read-tree.ts';

/** Files grow here and are then renamed; what a broken push has left goes with the next one. */
const workshop = '.sheaf-push';

export function folderTarget(directory: string, hasLinks: (folder: string) => Promise<boolean> = hasSymbolicLinks) {
  const at = (path: string) => join(directory, path);
  return {
    kind: 'store' as const,
    links: true,
    list: async function* () {
      await told(directory, async () => {
        await rm(at(workshop), { recursive: true, force: true });
        await mkdir(at(workshop), { recursive: true });
        if (!(await hasLinks(at(workshop)))) throw withoutLinks(directory);
      });
      yield* walk(directory, '');
    },
    put: (file: HashedFile) => told(at(file.path), () => put(directory, file)),
    check: (file: HashedFile) =>
      told(at(file.path), async () => {
        const facts = await unlessMissing(lstat(at(file.path)));
        if (facts?.isFile() !== true || facts.size !== file.size) return undefined;
        return (await hashFile(at(file.path))) === file.sha256 ? tagOf(facts) : undefined;
      }),
    link: ({ path, target }: MirrorLink) =>
      told(at(path), async () => {
        const temporary = at(`${workshop}/${randomUUID()}`);
        await mkdir(dirname(at(path)), { recursive: true });
        await symlink(target, temporary);
        await rename(temporary, at(path));
        await syncDirectory(dirname(at(path)));
      }),
    read: (path: string) => told(at(path), () => unlessMissing(readFile(at(path), 'utf8'))),
    remove: (path: string) => told(at(path), () => rm(at(path), { force: true })),
  };
}

async function* walk(directory: string, below: string): AsyncGenerator<Held> {
  for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (path === workshop) continue;
    if (entry.isSymbolicLink()) yield { kind: 'link', path, target: await readlink(join(directory, path)) };
    else if (entry.isDirectory()) yield* walk(directory, path);
    else if (entry.isFile()) {
      const facts = await lstat(join(directory, path));
      yield { kind: 'file', path, size: facts.size, tag: tagOf(facts) };
    }
  }
}

function tagOf(facts: { readonly mtimeMs: number; readonly ino: number }): string {
  return `${facts.mtimeMs}-${facts.ino}`;
}

async function put(directory: string, file: HashedFile): Promise<string> {
  const place = join(directory, file.path);
  const temporary = join(directory, workshop, randomUUID());
  const { mtime } = await stat(file.source);
  await mkdir(dirname(place), { recursive: true });
  const handle = await open(temporary, 'wx', 0o644);
  try {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file.source, { highWaterMark: 2 ** 18 })) {
      hash.update(chunk as Buffer);
      await handle.writeFile(chunk as Buffer);
    }
    if (hash.digest('hex') !== file.sha256) throw badSource(file);
    await handle.utimes(mtime, mtime);
    await handle.sync();
    const facts = await handle.stat();
    await rename(temporary, place);
    await syncDirectory(dirname(place));
    return tagOf(facts);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** The file here is not the one that was published: it must not spread. */
export function badSource({ source, path }: HashedFile): SheafError {
  return new SheafError('mirror-source', `Cannot push ${path}: its bytes here are not those that were published`, {
    kind: 'environment',
    place: { file: source },
    hint: 'The disk or somebody changed it. Restore it, then push again.',
  });
}

/** Before anything is brought: the pointers come last. */
function withoutLinks(directory: string): SheafError {
  return new SheafError('mirror-failed', `Cannot push to ${directory}: its file system has no symbolic links`, {
    kind: 'environment',
    place: { file: directory },
    hint: linksHint,
  });
}

async function told<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SheafError) throw error;
    const full = isDiskFull(error);
    throw new SheafError(
      full ? 'mirror-full' : 'mirror-failed',
      `Cannot push to ${place}: ${full ? 'the mirror is full' : describeError(error)}`,
      {
        kind: 'environment',
        hint: full
          ? 'Make room there; the next push goes on where this one ended.'
          : 'The next push goes on where this one ended.',
        cause: error,
      },
    );
  }
}
