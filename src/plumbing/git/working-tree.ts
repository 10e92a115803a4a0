/**
 * A working tree as git objects: what `git add --all` and a commit would take now. The repository itself is only read:
 * the index is a copy, and new objects go to a directory of the caller's.
 */
import { copyFile, mkdir, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { SheafError } from '../../kit/error.ts';
import { isObjectId, type ObjectId } from '../../model/names.ts';
import { hostEnvironment, run } from '../process.ts';
import { gitEnvironment } from './command.ts';
import { CatFile } from './objects.ts';
import type { WorkingTree } from './port.ts';

type Repository = {
  /** The directory that git keeps its own files in. */
  readonly directory: string;
  readonly top: string;
  /** From `top` to the tree, with a slash at its end; empty when they are the same. */
  readonly prefix: string;
  readonly index: string | undefined;
  readonly objects: string;
  /** A directory that no repository knows is taken whole: nobody has said what is to be ignored. */
  readonly isOurs: boolean;
};

/** Bytes and time for the largest trees. */
const bounds = { limit: 64 * 2 ** 20, timeout: 30 * 60_000 };

/**
 * `scratch` is an empty directory that lasts as long as the objects are read. A directory that is in no repository, or
 * whose debian/changelog its repository ignores, is taken with all its files. Throws `git-failed` in git's words.
 */
export async function openWorkingTree(directory: string, scratch: string): Promise<WorkingTree> {
  const repository = (await findRepository(directory)) ?? (await makeRepository(directory, scratch));
  const objects = join(scratch, 'objects');
  await mkdir(join(objects, 'info'), { recursive: true });
  await writeFile(join(objects, 'info/alternates'), `${repository.objects}\n`);
  const index = join(scratch, 'index');
  if (repository.index !== undefined) await copyIndex(repository.index, index);
  const env = {
    ...userEnvironment(),
    ...{ GIT_DIR: repository.directory, GIT_WORK_TREE: repository.top },
    ...{ GIT_INDEX_FILE: index, GIT_OBJECT_DIRECTORY: objects },
  };
  const ask = async (...words: readonly string[]) => git(directory, env, words);
  await ask('add', '--all', ...(repository.isOurs ? ['--force'] : []), '--', '.');
  const tree = (await ask('write-tree', `--prefix=${repository.prefix}`)).trim();
  return {
    tree: tree as ObjectId,
    objects: new CatFile(repository.directory, {
      ...gitEnvironment(process.env),
      GIT_OBJECT_DIRECTORY: objects,
    }),
    findTag: async (name) => {
      const found = await runQuietly(directory, env, ['rev-parse', '--verify', '--quiet', `refs/tags/${name}`]);
      const id = found.stdout.toString().trim();
      return isObjectId(id) ? id : undefined;
    },
  };
}

async function findRepository(directory: string): Promise<Repository | undefined> {
  const env = userEnvironment();
  const asked = ['--git-dir', '--show-toplevel', '--git-path', 'index', '--git-path', 'objects', '--show-prefix'];
  const found = await runQuietly(directory, env, ['rev-parse', '--path-format=absolute', ...asked]);
  if (found.code !== 0) {
    // Somebody else's repository: git wants to be told that it may be read.
    if (/dubious ownership/.test(found.stderr)) throw failed(directory, found.stderr);
    return undefined;
  }
  const [own = '', top = '', index = '', objects = '', prefix = ''] = found.stdout.toString().split('\n');
  const known = ['ls-files', '--cached', '--others', '--exclude-standard', '--', 'debian/changelog'];
  if ((await git(directory, env, known)).trim() === '') return undefined;
  const hasIndex = await stat(index).then(
    () => true,
    () => false,
  );
  return { directory: own, top, prefix, index: hasIndex ? index : undefined, objects, isOurs: false };
}

async function makeRepository(directory: string, scratch: string): Promise<Repository> {
  const own = join(scratch, 'git');
  const env = { ...userEnvironment(), GIT_DIR: own, GIT_WORK_TREE: directory };
  await git(directory, env, ['init', '--quiet', '--template=']);
  // Each file as it is, whatever a .gitattributes says: what upstream's tarball has was not converted either.
  await mkdir(join(own, 'info'));
  await writeFile(join(own, 'info/attributes'), '* -text -ident -filter -working-tree-encoding\n');
  return { directory: own, top: directory, prefix: '', index: undefined, objects: join(own, 'objects'), isOurs: true };
}

/** Files that are as the index says are not read again; a time that is not newer keeps git wary of the very latest. */
async function copyIndex(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const seconds = Math.floor((await stat(from)).mtimeMs / 1000);
  await utimes(to, seconds, seconds);
}

/** As the user's own git: what their settings ignore or trust. */
function userEnvironment(): Record<string, string> {
  const settings = process.env['XDG_CONFIG_HOME'];
  return {
    ...hostEnvironment,
    HOME: process.env['HOME'] ?? homedir(),
    ...(settings === undefined ? {} : { XDG_CONFIG_HOME: settings }),
  };
}

const settings = [
  ...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'core.safecrlf=false', 'core.compression=0'],
  ...['core.fsync=none', 'advice.addEmbeddedRepo=false'],
].flatMap((setting) => ['-c', setting]);

async function runQuietly(cwd: string, env: Readonly<Record<string, string>>, words: readonly string[]) {
  return run(['git', ...settings, ...words], { cwd, env, ...bounds });
}

async function git(cwd: string, env: Readonly<Record<string, string>>, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runQuietly(cwd, env, words);
  if (code !== 0) throw failed(cwd, stderr);
  return stdout.toString();
}

function failed(directory: string, stderr: string): SheafError {
  const said = stderr.trim().slice(-1000);
  return new SheafError('git-failed', `Cannot read the working tree ${directory}: ${said}`, {
    hint: /dubious ownership/.test(said)
      ? `If you trust it: git config --global --add safe.directory ${directory}`
      : 'See what "git add --all --dry-run" says there.',
  });
}
