/** A mirror behind rsync, over ssh or to an rsync daemon: one run for each step, with the names it may touch. */
import { SheafError } from '../../kit/error.ts';
import type { MirrorEntry } from '../../model/mirror.ts';
import { run, type RunResult } from '../process.ts';

export type RsyncSettings = {
  /** The repository's folder here. */
  readonly root: string;
  /** `HOST:DIR`, `USER@HOST:DIR` or `rsync://HOST/MODULE/DIR`. */
  readonly remote: string;
  /** File with the private key for ssh. */
  readonly sshKey: string | undefined;
  /** What the program `rsync` and what it starts may see. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds before another try; tests shorten it. */
  readonly pause?: number;
};

type BringOptions = { readonly verify: boolean; readonly onDone: (path: string) => void };

const day = 24 * 3_600_000;
/** rsync(1): the connection broke or timed out, or ssh could not connect; everything else is no better a second time. */
const passing = new Set([10, 12, 30, 35, 255]);

export function rsyncTarget(settings: RsyncSettings) {
  const remote = `${settings.remote.replace(/\/+$/, '')}/`;
  const call = (options: readonly string[], input?: string) => rsync(settings, options, input);
  return {
    kind: 'sync' as const,
    links: true as const,
    bring: async (entries: readonly MirrorEntry[], { verify, onDone }: BringOptions) => {
      const result = await call(
        [
          // Names come from our list only, so no folder is ever read as a whole; large files go on where they ended.
          '--links',
          '--times',
          '--perms',
          '--chmod=D755,F644',
          '--mkpath',
          '--from0',
          '--files-from=-',
          '--partial-dir=.rsync-partial',
          '--out-format=%n',
          ...(verify ? ['--checksum'] : []),
          '--',
          `${settings.root}/`,
          remote,
        ],
        entries.map(nameOf).join(''),
      );
      for (const line of result.stdout.toString().split('\n'))
        if (line !== '' && !line.endsWith('/')) onDone(unescape(line));
    },
    linksIn: async (folder: string) => {
      const result = await rsync(
        settings,
        ['--links', '--list-only', '--', `${remote}${folder}/`],
        undefined,
        isMissing,
      );
      const lines = result.stdout.toString().split('\n');
      return new Map(
        lines.flatMap((line) => {
          const match = /^l\S+\s+\S+\s+\S+\s+\S+\s+(.+?) -> (.+)$/.exec(line);
          return match === null ? [] : [[match[1]!, match[2]!] as const];
        }),
      );
    },
    prune: async () => {
      const result = await call([
        ...['--recursive', '--links', '--delete', '--existing', '--ignore-existing', '--out-format=%o %n'],
        ...['--', `${settings.root}/`, remote],
      ]);
      return result.stdout
        .toString()
        .split('\n')
        .filter((line) => /^del\. .*[^/]$/.test(line)).length;
    },
  };
}

function nameOf({ path }: MirrorEntry): string {
  return `${path}\0`;
}

/** rsync(1), --8-bit-output: bytes that are not printable are shown as `\#ooo`. */
function unescape(name: string): string {
  return name.replaceAll(/\\#(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

async function rsync(
  settings: RsyncSettings,
  options: readonly string[],
  input: string | undefined,
  isFine: (result: RunResult) => boolean = () => false,
): Promise<RunResult> {
  // Names go through --files-from; what is left for the far side's shell is the address from sheaf.toml and names of suites,
  // which have no character that a shell reads. (rrsync(1) does not allow --secluded-args.)
  const argv = ['rsync', '--timeout=300', `--rsh=${remoteShell(settings.sshKey)}`, ...options] as const;
  for (let attempt = 1; ; attempt += 1) {
    const result = await run(argv as unknown as [string, ...string[]], {
      env: settings.env,
      timeout: day,
      limit: 256 * 2 ** 20,
      ...(input === undefined ? {} : { input }),
      ...(settings.signal === undefined ? {} : { signal: settings.signal }),
    });
    if (result.code === 0 || isFine(result)) return result;
    if (attempt >= 3 || !passing.has(result.code)) throw failed(settings.remote, result);
    await new Promise((resolve) => setTimeout(resolve, (settings.pause ?? 2000) * attempt));
  }
}

/** Behind rrsync, a folder that is not there ends the connection. */
function isMissing({ code, stderr }: RunResult): boolean {
  return code === 23 || (code === 12 && /No such file or directory|does not exist/i.test(stderr));
}

/** rsync takes this apart at spaces, and knows quotes. */
function remoteShell(sshKey: string | undefined): string {
  const key = sshKey === undefined ? '' : ` -o IdentitiesOnly=yes -i "${sshKey.replaceAll('"', '""')}"`;
  return `ssh -o BatchMode=yes -o ConnectTimeout=30${key}`;
}

function failed(remote: string, { code, stderr }: RunResult): SheafError {
  const full = /No space left on device|Disk quota exceeded/.test(stderr);
  const said = stderr.trim().split('\n').slice(0, 3).join('; ').slice(0, 500);
  return new SheafError(
    full ? 'mirror-full' : 'mirror-failed',
    `Cannot push to ${remote}: ${full ? 'the mirror is full' : `rsync ended with exit code ${code}: ${said}`}`,
    {
      kind: 'environment',
      hint: full
        ? 'Make room there; the next push goes on where this one ended.'
        : code === 255
          ? 'ssh must get there without asking: try it by hand, and accept the host key.'
          : 'The next push goes on where this one ended.',
    },
  );
}
