/** Runs steps of making a root in the sandbox: as root of the namespace, without a network, the same for every root. */
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SheafError } from '../kit/error.ts';
import type { BuildLimits } from '../model/distribution.ts';
import type { Architecture } from '../model/names.ts';
import type { Bind, Sandbox, SandboxOutcome } from '../plumbing/sandbox/port.ts';
import { rootFailed } from './error.ts';
import { hostPrograms } from './host-programs.ts';

export type InsideDeps = {
  readonly sandbox: Sandbox;
  /** The caller's directory for this root; scratch directories of the steps are below it. */
  readonly building: string;
  readonly signal?: AbortSignal | undefined;
};

export type Step = {
  /** Its name in errors. */
  readonly step: string;
  readonly layers: readonly string[];
  /** Name of the scratch directory. */
  readonly scratch: string;
  readonly binds: readonly Bind[];
  readonly argv: readonly [string, ...string[]];
  /** Of the programs, where they are the root's own. */
  readonly architecture?: Architecture;
  readonly env?: Readonly<Record<string, string>>;
};

const limits: BuildLimits = {
  wall: 60 * 60_000,
  silence: 15 * 60_000,
  memory: 4 * 2 ** 30,
  disk: 100 * 2 ** 30,
  log: 64 * 2 ** 20,
  processes: 1000,
};

const mostOutput = 4 * 2 ** 20;

/** The date is any fixed one: the root must not depend on when it is made. */
export const environment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  SOURCE_DATE_EPOCH: '1577836800',
  // TeX looks at the date before only when it is told to.
  FORCE_SOURCE_DATE: '1',
  // Hashes would be written in another order each time.
  PERL_HASH_SEED: '0',
  PERL_PERTURB_KEYS: '0',
  PYTHONHASHSEED: '0',
  DEBIAN_FRONTEND: 'noninteractive',
  DEBCONF_NONINTERACTIVE_SEEN: 'true',
  DEBCONF_NOWARNINGS: 'yes',
};

/** The output of a step. Throws `root-failed` when it does not end well, `aborted`, and what the sandbox throws. */
export async function runInside(deps: InsideDeps, step: Step): Promise<string> {
  const { outcome, output } = await runStep(deps, step);
  if (outcome.kind !== 'exited' || outcome.code !== 0) throw rootFailed(step.step, outcome, output);
  return output;
}

async function runStep(
  deps: InsideDeps,
  step: Omit<Step, 'step'>,
): Promise<{ readonly outcome: SandboxOutcome; readonly output: string }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const outcome = await deps.sandbox.run({
    layers: step.layers,
    scratch: join(deps.building, step.scratch),
    binds: step.binds,
    argv: step.argv,
    architecture: step.architecture,
    env: { ...environment, ...step.env },
    cwd: '/',
    user: { uid: 0, gid: 0 },
    network: 'none',
    hostname: 'localhost',
    // netbase makes one where there is none.
    hosts: 'root',
    limits,
    onOutput: (chunk) => {
      chunks.push(chunk);
      size += chunk.length;
      while (size > mostOutput && chunks.length > 1) size -= chunks.shift()!.length;
    },
    ...(deps.signal === undefined ? {} : { signal: deps.signal }),
  });
  const output = Buffer.concat(chunks).toString();
  if (outcome.kind === 'aborted') throw new SheafError('aborted', 'Cannot make the root: it was called off');
  return { outcome, output };
}

export type Command = { readonly name: string; readonly argv: readonly [string, ...string[]] };

/** Commands one after another in one sandbox: to enter it costs as much as configuring a package does. Their output. */
export async function runCommands(
  deps: InsideDeps,
  step: Omit<Step, 'step' | 'argv'>,
  commands: readonly Command[],
): Promise<string> {
  const words = commands.flatMap(({ argv }) => [String(argv.length), ...argv]);
  const argv = ['perl', '-e', await readScript('steps.pl'), '--', ...words] as const;
  const { outcome, output } = await runStep(deps, { ...step, argv: [...argv] });
  if (outcome.kind === 'exited' && outcome.code === 0) return output;
  const failed = /\nsheaf: command (\d+)\n$/.exec(output);
  const { name } = commands[Number(failed?.[1] ?? 1) - 1]!;
  throw rootFailed(name, outcome, output.slice(0, failed?.index));
}

/** A Perl script for the host's programs (dpkg-deb, tar), which see nothing of the host but themselves. */
export async function tool(script: string, argv: readonly string[]): Promise<Command> {
  return { name: script, argv: ['perl', '-e', await readScript(`${script}.pl`), '--', ...argv] };
}

/** The output of one or more of them. */
export async function runTools(
  deps: InsideDeps,
  binds: readonly Bind[],
  ...tools: readonly Command[]
): Promise<string> {
  const step = { ...(await toolRoot(deps, binds)), scratch: 'tools' };
  const [only, ...others] = tools;
  if (others.length > 0) return runCommands(deps, step, tools);
  return runInside(deps, { ...step, step: only!.name, argv: only!.argv });
}

/** A root that has the host's programs and nothing else of it. */
export async function toolRoot(deps: InsideDeps, binds: readonly Bind[]): Promise<Pick<Step, 'layers' | 'binds'>> {
  const empty = join(deps.building, 'empty');
  await makeOpenDirectory(empty);
  return { layers: [empty], binds: [...(await hostPrograms()), ...binds] };
}

/** A directory of the caller's that root of the namespace can read, at any umask. */
export async function makeOpenDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
}

/** Where the scripts of the steps lie. */
export const scripts = new URL('scripts/', import.meta.url);

/** The text of one of them. */
export async function readScript(name: string): Promise<string> {
  return readFile(new URL(name, scripts), 'utf8');
}
