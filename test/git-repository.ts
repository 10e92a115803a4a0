/** Real git repositories for tests, honest and hostile. */
import { mkdir, mkdtemp, rm, symlink, writeFile, chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { pipe, type GpgHome, type SshTestKey } from './signers.ts';

/** Text; `{ link }` for a symbolic link; `{ run }` for an executable file. */
export type TestFile = string | Uint8Array | { readonly link: string } | { readonly run: string };

export type TagSigner =
  | { readonly gpg: GpgHome; readonly key: string }
  | { readonly ssh: SshTestKey }
  | 'unsigned'
  | 'lightweight';

export class TestRepository {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async make(
    options: { readonly below?: string; readonly objectFormat?: 'sha1' | 'sha256' } = {},
  ): Promise<TestRepository> {
    const directory = await mkdtemp(join(options.below ?? '/tmp', 'sheaf-git-'));
    const repository = new TestRepository(directory);
    await repository.git(['init', '--quiet', '-b', 'main', `--object-format=${options.objectFormat ?? 'sha1'}`]);
    return repository;
  }

  /** Standard output, without its last LF. */
  async git(
    args: readonly string[],
    input: Uint8Array | string = '',
    env: Record<string, string> = {},
  ): Promise<string> {
    const output = await pipe(['git', ...args], input, {
      cwd: this.directory,
      env: {
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_AUTHOR_NAME: 'Test',
        GIT_AUTHOR_EMAIL: 'test@example.org',
        GIT_COMMITTER_NAME: 'Test',
        GIT_COMMITTER_EMAIL: 'test@example.org',
        ...env,
      },
    });
    return output.toString().replace(/\n$/, '');
  }

  /** Replaces the whole tree by these files and commits it; the commit's id. */
  async commit(files: Readonly<Record<string, TestFile>>, message = 'Change'): Promise<string> {
    await this.git(['rm', '-r', '-q', '-f', '--ignore-unmatch', '.']);
    for (const [name, file] of Object.entries(files)) {
      const path = join(this.directory, name);
      await mkdir(dirname(path), { recursive: true });
      if (typeof file === 'string' || file instanceof Uint8Array) await writeFile(path, file);
      else if ('link' in file) await symlink(file.link, path);
      else {
        await writeFile(path, file.run);
        await chmod(path, 0o755);
      }
    }
    await this.git(['add', '-A', '-f', '.']);
    await this.git(['commit', '-q', '--allow-empty', '-m', message]);
    return this.git(['rev-parse', 'HEAD']);
  }

  /** A tag of a commit (HEAD by default); the id that its name points at. */
  async tag(
    name: string,
    signer: TagSigner,
    options: { readonly target?: string; readonly date?: Date } = {},
  ): Promise<string> {
    const target = options.target ?? 'HEAD';
    const env =
      options.date === undefined ? {} : { GIT_COMMITTER_DATE: `${Math.floor(options.date.getTime() / 1000)} +0000` };
    if (signer === 'lightweight') await this.git(['tag', '-f', name, target]);
    else if (signer === 'unsigned') await this.git(['tag', '-f', '-a', '-m', `Release ${name}`, name, target], '', env);
    else if ('gpg' in signer) {
      const settings = ['-c', `user.signingkey=${signer.key}!`];
      await this.git([...settings, 'tag', '-f', '-s', '-m', `Release ${name}`, name, target], '', {
        ...env,
        GNUPGHOME: signer.gpg.directory,
      });
    } else {
      const settings = ['-c', 'gpg.format=ssh', '-c', `user.signingkey=${signer.ssh.file}`];
      await this.git([...settings, 'tag', '-f', '-s', '-m', `Release ${name}`, name, target], '', env);
    }
    return this.git(['rev-parse', `refs/tags/${name}`]);
  }

  /** Writes any bytes as an object of any type, without git's checks. */
  object(type: 'blob' | 'tree' | 'commit' | 'tag', content: Uint8Array | string): Promise<string> {
    return this.git(['hash-object', '-t', type, '-w', '--literally', '--stdin'], content);
  }

  /** A tree of raw entries. */
  tree(
    entries: readonly { readonly mode: string; readonly name: string | Uint8Array; readonly id: string }[],
  ): Promise<string> {
    const parts = entries.map(({ mode, name, id }) =>
      Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name as string), Buffer.from([0]), Buffer.from(id, 'hex')]),
    );
    return this.object('tree', Buffer.concat(parts));
  }

  /** A commit of any tree. */
  commitTree(tree: string): Promise<string> {
    const who = 'Test <test@example.org> 1700000000 +0000';
    return this.object('commit', `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nChange\n`);
  }

  bytes(id: string): Promise<Buffer> {
    return this.git(['cat-file', '-t', id]).then((type) =>
      pipe(['git', 'cat-file', type, id], '', { cwd: this.directory }),
    );
  }

  close(): Promise<void> {
    return rm(this.directory, { recursive: true, force: true });
  }
}
