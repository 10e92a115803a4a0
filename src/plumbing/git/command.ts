/**
 * Running git on what strangers wrote: settings, hooks, prompts and the caller's environment have no say; memory, file
 * sizes and time are bounded; a whole process group ends together.
 */
import { SheafError } from '../../kit/error.ts';
import { run } from '../process.ts';

export type GitCommand = {
  readonly args: readonly string[];
  /** Only PATH, HOME and what ssh and proxies need pass: see `gitEnvironment`. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeout: number;
  /** Most bytes of one file that it may write. */
  readonly fileSize: number;
  /** Held exclusively while it and its children live. */
  readonly lockFile?: string;
  /** Called every tenth of a second; true ends the command. */
  readonly isTooMuch?: () => Promise<boolean>;
};

export type GitResult = {
  /** Undefined unless it ended by itself. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: 'itself' | 'timeout' | 'too-much';
};

/** A server that says more than this is stopped. */
const mostOutput = 2 ** 20;
/** Address space of git and of its helpers: more than an honest fetch within the limits needs. */
const addressSpace = 6 * 2 ** 30;

/** Settings that hold for every call; the command line wins over any file. */
const settings: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.askPass=',
  'core.packedGitWindowSize=32m',
  'credential.helper=',
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.detachedHead=false',
  'protocol.allow=never',
  'protocol.https.allow=always',
  'protocol.ssh.allow=always',
  'protocol.git.allow=always',
  'http.followRedirects=false',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=30',
  'submodule.recurse=false',
  'fetch.recurseSubmodules=false',
  'fetch.unpackLimit=1',
  'fetch.writeCommitGraph=false',
  'transfer.fsckObjects=true',
  'fetch.fsckObjects=true',
  // Nothing is ever checked out by git: what is wrong with names in a tree is found and explained by intake itself.
  ...[
    'hasDot',
    'hasDotdot',
    'hasDotgit',
    'fullPathname',
    'gitmodulesBlob',
    'gitmodulesLarge',
    'gitmodulesMissing',
    'gitmodulesName',
    'gitmodulesParse',
    'gitmodulesPath',
    'gitmodulesSymlink',
    'gitmodulesUpdate',
    'gitmodulesUrl',
    'gitattributesBlob',
    'gitattributesLarge',
    'gitattributesLineLength',
    'gitattributesMissing',
    'missingTaggerEntry',
    'badTagName',
  ].map((name) => `fetch.fsck.${name}=ignore`),
];

/** Variables of the caller that reach git, for ssh's agent, proxies and certificates. */
const passed = [
  'PATH',
  'HOME',
  'SSH_AUTH_SOCK',
  'https_proxy',
  'HTTPS_PROXY',
  'no_proxy',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
];

/** No GIT_* of the caller survives. `configFile` holds the one setting that must reach upload-pack. */
export function gitEnvironment(
  from: Readonly<Record<string, string | undefined>>,
  configFile = '/dev/null',
): Record<string, string> {
  const kept = passed.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]] as const]));
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    ...Object.fromEntries(kept),
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: configFile,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_SSH_COMMAND: 'ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oClearAllForwardings=yes',
    GIT_SSH_VARIANT: 'ssh',
  };
}

export function gitArguments(args: readonly string[]): string[] {
  return [...settings.flatMap((setting) => ['-c', setting]), ...args];
}

/** Runs git to its end. Never throws for what git says; throws when git cannot be started. */
export async function runGit(command: GitCommand): Promise<GitResult> {
  const limits = ['prlimit', `--fsize=${command.fileSize}`, `--as=${addressSpace}`, '--core=0', '--'];
  const git = [...limits, 'git', ...gitArguments(command.args)];
  const stop = new AbortController();
  const watch = command.isTooMuch === undefined ? undefined : watchEvery(100, command.isTooMuch, () => stop.abort());
  try {
    const argv = command.lockFile === undefined ? git : underLock(command.lockFile, git);
    const result = await run(argv as [string, ...string[]], {
      env: command.env,
      timeout: command.timeout,
      limit: mostOutput,
      signal: stop.signal,
    });
    return { code: result.code, stdout: result.stdout.toString(), stderr: result.stderr, ended: 'itself' };
  } catch (error) {
    const ended = error instanceof SheafError ? endings[error.code] : undefined;
    if (ended === undefined) throw error;
    return { code: undefined, stdout: '', stderr: '', ended };
  } finally {
    watch?.stop();
  }
}

const endings: Readonly<Record<string, GitResult['ended']>> = {
  'program-timeout': 'timeout',
  'program-output': 'too-much',
  aborted: 'too-much',
};

/** The lock is the open file of the program and its children: it ends with the last of them, however they end. */
export function underLock(lockFile: string, argv: readonly string[]): string[] {
  return ['flock', '--exclusive', '--', lockFile, ...argv];
}

function watchEvery(milliseconds: number, test: () => Promise<boolean>, then: () => void): { stop: () => void } {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const look = async () => {
    const found = await test().catch(() => false);
    if (stopped) return;
    if (found) then();
    else timer = setTimeout(() => void look(), milliseconds);
  };
  timer = setTimeout(() => void look(), milliseconds);
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
