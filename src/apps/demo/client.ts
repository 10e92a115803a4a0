/** A clean Debian with its own apt as the client: the root from a lock, apt-get and the program run in the sandbox. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SheafError } from '../../kit/error.ts';
import type { AptUpstream } from '../../model/distribution.ts';
import { parseArchitecture, parseLabel } from '../../model/names.ts';
import { createApt } from '../../plumbing/apt.ts';
import { solve } from '../../lock/mod.ts';
import { materialise, type RootDeps } from '../../root/mod.ts';
import type { Say } from './progress.ts';
import { debianKeyring } from './source.ts';

export type ClientRequest = {
  readonly codename: string;
  readonly architecture: string;
  /** The text of a `.sources` file. */
  readonly sources: string;
  readonly package: string;
  readonly program: readonly [string, ...string[]];
};

export type ClientReport = {
  /** `apt 3.0.3 (amd64)` */
  readonly apt: string;
  /** The installed version. */
  readonly version: string;
  /** What the program printed. */
  readonly output: string;
};

const limits = { wall: 600_000, silence: 300_000, memory: 2 ** 32, disk: 2 ** 32, log: 2 ** 24, processes: 1000 };

/** Throws `client-failed` with what apt said. */
export async function installInCleanRoot(
  directory: string,
  roots: RootDeps,
  request: ClientRequest,
  say: Say,
): Promise<ClientReport> {
  const upstream: AptUpstream = {
    name: parseLabel(request.codename),
    url: 'http://deb.debian.org/debian',
    suites: [request.codename],
    components: ['main'],
    keyring: debianKeyring,
  };
  say.now('apt chooses the packages of a clean root');
  const solution = await solve(
    { solver: createApt({ directory: join(directory, 'apt') }) },
    {
      architecture: parseArchitecture(request.architecture),
      ...{ upstream, own: [], packages: ['apt'], buildDepends: '', buildConflicts: '' },
    },
  );
  if (solution.kind === 'uninstallable') throw clientFailed(request, solution.explanation);
  say.now(`making the root of ${solution.lock.packages.length} packages`);
  const root = await materialise(roots, solution.lock);

  const scratch = join(directory, request.codename);
  const sources = join(directory, `${request.codename}.sources`);
  await roots.sandbox.remove(scratch);
  await mkdir(directory, { recursive: true });
  await writeFile(sources, request.sources);
  say.now('apt-get update and install');
  const steps = [
    'set -e',
    'rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*.sources',
    'cp /run/demo.sources /etc/apt/sources.list.d/demo.sources',
    // The only user of this root is the namespace's own; apt's `_apt` is not needed to keep it apart.
    'apt-get -q update',
    'apt-get -q -y -o Dpkg::Options::=--force-unsafe-io install "$1"',
    'echo "--- $(apt-get --version | head -n 1)"',
    'echo "--- $(dpkg-query -W -f \'${Version}\' "$1")"',
    'shift',
    'exec "$@"',
  ];
  let output = '';
  const outcome = await roots.sandbox.run({
    layers: root.layers,
    architecture: parseArchitecture(request.architecture),
    scratch,
    binds: [{ source: sources, target: '/run/demo.sources', readOnly: true }],
    argv: ['sh', '-c', steps.join('\n'), 'sh', request.package, ...request.program],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
    cwd: '/',
    user: { uid: 0, gid: 0 },
    network: 'host',
    hostname: request.codename,
    limits,
    onOutput: (chunk) => {
      output += Buffer.from(chunk).toString();
    },
  });
  await roots.sandbox.remove(scratch);
  if (outcome.kind !== 'exited' || outcome.code !== 0) throw clientFailed(request, output.slice(-3000));
  return readReport(output);
}

function readReport(output: string): ClientReport {
  const [, apt = '', rest = ''] = output.split(/^--- /m);
  const [version = '', ...printed] = rest.split('\n');
  return { apt: apt.trim(), version, output: printed.join('\n').trim() };
}

function clientFailed(request: ClientRequest, said: string): SheafError {
  return new SheafError(
    'client-failed',
    `Cannot install ${request.package} in a clean ${request.codename} root:\n${said.trim()}`,
  );
}
