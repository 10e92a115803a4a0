/**
 * Tags of other people's repositories, fetched into one bare repository per address below a directory of ours. Only
 * the named tag and the commit it names are fetched (no history, no other refs); nothing is ever checked out, no hook
 * runs, and every limit of the policy holds while the bytes arrive.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { tagNameProblem } from '../formats/git/mod.ts';
import { formatSize } from '../kit/bytes.ts';
import { formatDuration } from '../kit/duration.ts';
import { SheafError } from '../kit/error.ts';
import { isObjectId } from '../model/names.ts';
import type { GitPolicy } from '../model/distribution.ts';
import { resolveAddress, type Source } from './git/address.ts';
import { gitEnvironment, runGit, underLock, type GitResult } from './git/command.ts';
import { CatFile } from './git/objects.ts';
import type { FetchOutcome, FetchRefusal, GitFetcher, GitObjects } from './git/port.ts';
import { run } from './process.ts';

export type { FetchOutcome, FetchRefusal, GitFetcher, GitObject, GitObjects, ObjectInfo } from './git/port.ts';

export type GitOptions = {
  /** Bare repositories are kept below it. */
  readonly directory: string;
  readonly policy: Pick<GitPolicy, 'addresses' | 'directories' | 'limits'>;
  /** The process's environment: a few variables of it reach git. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

type Fetchable = Exclude<Source, { kind: 'bad' }>;

export class Git implements GitFetcher {
  readonly #directory: string;
  readonly #policy: GitOptions['policy'];
  readonly #env: GitOptions['env'];

  constructor(options: GitOptions) {
    this.#directory = resolve(options.directory);
    this.#policy = options.policy;
    this.#env = options.env;
  }

  async fetchTag(address: string, tag: string): Promise<FetchOutcome> {
    const problem = tagNameProblem(tag);
    if (problem !== undefined) return refused('tag-not-found', `No tag can have the name ${quote(tag)}: ${problem}.`);
    const source = await resolveAddress(address, this.#policy);
    if (source.kind === 'bad') {
      return refused('bad-address', `The address ${quote(address)} may not be fetched: ${source.reason}.`);
    }
    await mkdir(this.#directory, { recursive: true });
    const config = await this.#writeConfig(address, source);
    try {
      return await this.#fetch(address, tag, source, gitEnvironment(this.#env, config));
    } finally {
      if (config !== undefined) await rm(config, { force: true });
    }
  }

  async open(address: string): Promise<GitObjects> {
    return new CatFile(this.#repository(address), gitEnvironment(this.#env));
  }

  async #fetch(
    address: string,
    tag: string,
    source: Fetchable,
    env: Readonly<Record<string, string>>,
  ): Promise<FetchOutcome> {
    const repository = this.#repository(address);
    const place = source.kind === 'remote' ? source.address : source.directory;
    const transport = source.kind === 'remote' ? [] : ['-c', 'protocol.file.allow=always'];
    // --strict: the directory was decided by resolveAddress, git is not to look beside it.
    const upload = source.kind === 'remote' ? [] : ['--upload-pack=git-upload-pack --strict'];

    if (!(await exists(repository))) {
      const listing = await this.#run(['ls-remote', ...upload, '--', place, `refs/tags/${tag}`], transport, env);
      if (listing.code !== 0) return this.#explain(listing, address, tag);
      const id = listing.stdout
        .split('\n')
        .find((line) => line.endsWith(`\trefs/tags/${tag}`))
        ?.split('\t')[0];
      if (id === undefined || !isObjectId(id)) return tagNotFound(address, tag);
      await this.#initialise(repository, id.length === 64 ? 'sha256' : 'sha1', env);
    }
    const ref = `refs/sheaf/${createHash('sha256').update(tag).digest('hex')}`;
    const fetched = await this.#fetchRef(
      repository,
      [...upload, '--', place, `+refs/tags/${tag}:${ref}`],
      transport,
      env,
    );
    if (fetched.code !== 0) return this.#explain(fetched, address, tag);
    const resolved = await this.#run([`--git-dir=${repository}`, 'rev-parse', '--verify', '--quiet', ref], [], env);
    const id = resolved.stdout.trim();
    if (!isObjectId(id)) return tagNotFound(address, tag);
    return { kind: 'fetched', object: id };
  }

  /** One fetch at a time in a repository, over all processes; what a killed one left behind is removed. */
  async #fetchRef(
    repository: string,
    operands: readonly string[],
    transport: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<GitResult> {
    const args = [
      `--git-dir=${repository}`,
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      '--no-recurse-submodules',
      '--depth=1',
      ...operands,
    ];
    const before = await packBytes(repository);
    const options = {
      lockFile: `${repository}.lock`,
      isTooMuch: async () => (await packBytes(repository)) - before > this.#policy.limits.fetch,
    };
    let result = await this.#run(args, transport, env, options);
    const left = /Unable to create '(.*\.lock)': File exists/.exec(result.stderr)?.[1];
    if (left !== undefined && resolve(left).startsWith(`${repository}/`)) {
      // Nobody holds our lock while this runs, so the file is a dead process's.
      await run(underLock(options.lockFile, ['rm', '-f', '--', left]) as [string, ...string[]]);
      result = await this.#run(args, transport, env, options);
    }
    if (result.code !== 0) {
      // A file that reached the limit ended its writer without a word.
      const isFull = (await packBytes(repository)) - before >= this.#policy.limits.fetch;
      if (isFull) result = { ...result, ended: 'too-much' };
      const packs = join(repository, 'objects', 'pack');
      const remove = ['find', packs, '-name', 'tmp_*', '-type', 'f', '-delete'];
      await run(underLock(options.lockFile, remove) as [string, ...string[]]);
    }
    return result;
  }

  #run(
    args: readonly string[],
    transport: readonly string[],
    env: Readonly<Record<string, string>>,
    options: { readonly lockFile?: string; readonly isTooMuch?: () => Promise<boolean> } = {},
  ): Promise<GitResult> {
    const { fetch, time } = this.#policy.limits;
    return runGit({ args: [...transport, ...args], env, timeout: time, fileSize: fetch, ...options });
  }

  #repository(address: string): string {
    return join(this.#directory, `${createHash('sha256').update(address).digest('hex')}.git`);
  }

  async #initialise(repository: string, format: string, env: Readonly<Record<string, string>>): Promise<void> {
    const temporary = join(this.#directory, `new-${randomUUID()}`);
    const args = ['init', '--quiet', '--bare', '--template=', `--object-format=${format}`, '--', temporary];
    const made = await this.#run(args, [], env);
    if (made.code !== 0) {
      throw new SheafError(
        'git-failed',
        `Cannot make a git repository in ${this.#directory}: ${lastLines(made.stderr)}`,
        {
          kind: 'environment',
        },
      );
    }
    try {
      await rename(temporary, repository);
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      // Somebody else was faster.
      if (!(await exists(repository))) throw error;
    }
  }

  /**
   * A local repository often belongs to another user, and git refuses to serve such a one. That git.directories names
   * the place is the administrator's word that it may be read; so exactly this directory is declared safe, in a file,
   * since git does not hand command line settings to upload-pack.
   */
  async #writeConfig(address: string, source: Fetchable): Promise<string | undefined> {
    if (source.kind === 'remote') return undefined;
    const file = join(this.#directory, `${createHash('sha256').update(address).digest('hex')}-${randomUUID()}.config`);
    const escaped = source.directory.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
    const worktree = escaped.endsWith('/.git') ? `\tdirectory = "${escaped.slice(0, -'/.git'.length)}"\n` : '';
    await writeFile(file, `[safe]\n\tdirectory = "${escaped}"\n${worktree}`, { mode: 0o600 });
    return file;
  }

  #explain(result: GitResult, address: string, tag: string): FetchOutcome {
    const { fetch, time } = this.#policy.limits;
    const said = lastLines(result.stderr);
    if (result.ended === 'too-much') {
      return refused(
        'over-limit',
        `Fetching ${quote(tag)} from ${quote(address)} took more than ${formatSize(fetch)}.`,
      );
    }
    if (result.ended === 'timeout') {
      return {
        kind: 'unreachable',
        reason: `Fetching from ${quote(address)} took longer than ${formatDuration(time)}.`,
      };
    }
    if (/couldn't find remote ref/i.test(result.stderr)) return tagNotFound(address, tag);
    if (networkTrouble.test(result.stderr)) {
      return { kind: 'unreachable', reason: `${quote(address)} cannot be reached: ${said}` };
    }
    if (missingObject.test(result.stderr)) {
      return refused('commit-not-found', `What the tag ${quote(tag)} names is not in ${quote(address)}: ${said}`);
    }
    return refused('fetch-failed', `Fetching ${quote(tag)} from ${quote(address)} failed: ${said}`);
  }
}

const networkTrouble =
  /Could not resolve host|Temporary failure in name resolution|Connection (?:refused|reset|timed out|closed)|Failed to connect|Network is unreachable|No route to host|Operation timed out|Operation too slow|unable to connect|returned error: (?:429|5\d\d)|early EOF|unexpected disconnect/i;

const missingObject =
  /missing (?:commit|tree|blob|tag)|bad (?:tree )?object|unable to (?:read|parse|find)|not our ref|did not send all necessary objects|nonexistent object/i;

const hints: Readonly<Record<FetchRefusal['code'], string>> = {
  'bad-address':
    'Use an https, ssh or git address that git.addresses in sheaf.toml allows, or a repository below git.directories.',
  'fetch-failed': 'Check that the repository can be read by the account that runs Sheaf, and try again.',
  'tag-not-found': 'Push the tag (git push ADDRESS TAG), then report it again.',
  'commit-not-found': 'Push the branch with the commit, and the tag once more; git fsck shows what is missing.',
  'over-limit': 'Make the repository’s files smaller, or have the limit raised: "max-fetch" below [git] in sheaf.toml.',
};

function refused(code: FetchRefusal['code'], message: string): FetchOutcome {
  return { kind: 'refused', refusal: { code, message, hint: hints[code] } };
}

function tagNotFound(address: string, tag: string): FetchOutcome {
  return refused('tag-not-found', `There is no tag ${quote(tag)} in ${quote(address)}.`);
}

/** Text of strangers on one line, without control characters. */
function quote(text: string): string {
  return `“${clean(text, 200)}”`;
}

function clean(text: string, longest: number): string {
  // oxlint-disable-next-line no-control-regex -- the text may hold anything
  const shown = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, ' ').trim();
  return shown.length > longest ? `${shown.slice(0, longest)}…` : shown;
}

/** What git said last, which is where it says why. */
function lastLines(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return clean(lines.slice(-3).join(' / '), 400) || 'git gave no reason';
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function packBytes(repository: string): Promise<number> {
  const directory = join(repository, 'objects', 'pack');
  let sum = 0;
  for (const name of await readdir(directory).catch(() => [])) {
    sum += (await stat(join(directory, name)).catch(() => undefined))?.size ?? 0;
  }
  return sum;
}
