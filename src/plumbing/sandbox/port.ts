/**
 * The sandbox: one command in one root, in user, mount, pid, ipc, uts and network namespaces of its own.
 *
 * Contract, held by every implementation (see conformance.test.ts): nothing of the host's files is visible but the
 * layers and binds; nothing the command does outlives it; no process inside has an id of root or of the caller's
 * other processes on the host; a layer is never written; every limit ends the whole tree of processes.
 */
import type { BuildLimits } from '../../model/distribution.ts';
import type { Architecture } from '../../model/names.ts';

export type SandboxSpec = {
  /** Directories that form the root, the topmost first; never written to. Owned by the namespace's ids. */
  readonly layers: readonly string[];
  /**
   * An empty directory for what is written on top: `upper/` is left there afterwards, and the next command with the same
   * scratch goes on from it. Made if it is missing. On a filesystem that overlay can write to (ext4, xfs, btrfs).
   */
  readonly scratch: string;
  readonly binds: readonly Bind[];
  readonly argv: readonly [string, ...string[]];
  /**
   * Of the root's programs, the host's where it is not said. Another's are run by an emulator of the host, which the root
   * does not see; so are all that they start. Programs of the host run as well.
   */
  readonly architecture?: Architecture | undefined;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Ids inside the namespace. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** `none`: only a loopback device. `host`: the host's network, for clients under test. */
  readonly network: 'none' | 'host';
  readonly hostname: string;
  /** Whose /etc/hosts there is: the sandbox's, the default, or what the root has and the command makes of it. */
  readonly hosts?: 'sandbox' | 'root' | undefined;
  readonly limits: BuildLimits;
  /**
   * `captured`, the default: no input, output goes to `onOutput`. `inherit`: the command has the standard input, output
   * and error of this process. `terminal`: it has a terminal of its own that is shown on that of this process; what is
   * typed, Ctrl-C too, is the command's. For the last two there are no limits of silence and log.
   */
  readonly stdio?: 'captured' | 'inherit' | 'terminal';
  /**
   * Standard output and error, in the order they came. While a promise that it gave is not settled, no more is read, and
   * a command that writes much waits.
   */
  readonly onOutput?: (chunk: Uint8Array) => unknown;
  /** Standard error, where it is wanted apart from standard output. */
  readonly onError?: (chunk: Uint8Array) => void;
  readonly signal?: AbortSignal;
};

export type Bind = { readonly source: string; readonly target: string; readonly readOnly: boolean };

export type LimitName = keyof BuildLimits;

export type SandboxOutcome =
  | { readonly kind: 'exited'; readonly code: number; readonly usage: SandboxUsage }
  | { readonly kind: 'killed'; readonly signal: string; readonly usage: SandboxUsage }
  | { readonly kind: 'limit'; readonly limit: LimitName; readonly message: string; readonly usage: SandboxUsage }
  | { readonly kind: 'aborted'; readonly usage: SandboxUsage };

/** Milliseconds and bytes. */
export type SandboxUsage = { readonly wall: number; readonly peakMemory: number };

export interface Sandbox {
  readonly name: 'unshare' | 'runc';
  /** Throws `sandbox-unavailable` (kind environment) when it cannot even start the command. */
  run(spec: SandboxSpec): Promise<SandboxOutcome>;
  /**
   * Removes a directory that holds files of the namespace's ids (a scratch or a layer). Safe to call twice.
   */
  remove(directory: string): Promise<void>;
}
