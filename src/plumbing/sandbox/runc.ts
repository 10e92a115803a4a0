/**
 * The sandbox by a rootless OCI runtime: our user, mount and pid namespaces hold the overlay and the limits, and the
 * runtime makes all that is nearer to the command. For pools that want another runtime than the kernel's own tools.
 *
 * What differs from the other sandbox: the command is pid 1 of its namespace, so signals from inside do not end it; a
 * missing HOME and a missing working directory are added by the runtime; it can have the caller's standard input and
 * output, but no terminal of its own.
 */
import { SheafError } from '../../kit/error.ts';
import { removeOwned, prepareScratch } from './files.ts';
import { findIdMap, type IdMap } from './ids.ts';
import { toOciConfig } from './oci.ts';
import type { Sandbox, SandboxOutcome, SandboxSpec } from './port.ts';
import { runSession } from './session.ts';
import { commonWords, completeSpec, toWords } from './spec.ts';

export type RuncOptions = {
  /** A program with runc's command line; default `runc` of the PATH. */
  readonly program?: string;
};

export function createRuncSandbox(options: RuncOptions = {}): Sandbox {
  let found: Promise<IdMap> | undefined;
  const idMap = () => (found ??= findIdMap());
  return {
    name: 'runc',
    async run(spec) {
      return runContained(await idMap(), spec, options.program ?? 'runc');
    },
    async remove(directory) {
      await removeOwned(await idMap(), directory);
    },
  };
}

/** While it starts the command the runtime and its helpers are processes inside too. */
const ownProcesses = 3;
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

async function runContained(map: IdMap, wanted: SandboxSpec, program: string): Promise<SandboxOutcome> {
  if (wanted.stdio === 'terminal') {
    throw new SheafError('bad-sandbox-spec', 'Cannot start a sandbox: by an OCI runtime it has no terminal');
  }
  await prepareScratch(map, wanted.scratch);
  const spec = await completeSpec(wanted);
  const config = toOciConfig(spec, (index) => `/run/sheaf/bind/${index}`);
  const limits = { ...spec.limits, processes: spec.limits.processes + ownProcesses };
  const global = [
    '--root',
    '/run/sheaf/state',
    '--log',
    '/run/sheaf/log',
    '--log-format',
    'json',
    '--rootless',
    'true',
  ];
  // Detached, so that the command writes to our pipe itself and its end is seen as it is.
  const start = ['run', '--detach', '--pid-file', '/run/sheaf/pid', '--bundle', '/run/sheaf', 'sheaf'];
  return runSession({
    mode: 'oci',
    map,
    words: [
      ...commonWords({ ...spec, limits }),
      ...toWords({ mode: 'oci', config: JSON.stringify(config), env: `PATH=${path}` }),
      ...[program, ...global, ...start].flatMap((argument) => ['arg', argument]),
    ],
    limits: spec.limits,
    stdio: spec.stdio,
    onOutput: spec.onOutput ?? (() => {}),
    onError: spec.onError,
    signal: spec.signal,
  });
}
