/**
 * A real upgrade from one locked system to another: in the root of the first lock its own apt upgrades to the packages of
 * the second, which are all that it knows. What changes is in a scratch directory; the root itself stays as it is.
 */
import { chmod, copyFile, link, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { formatStanza } from '../formats/deb/deb822.ts';
import { SheafError } from '../kit/error.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import type { Bind, Sandbox, SandboxOutcome, SandboxSpec } from '../plumbing/sandbox/port.ts';
import { describeFailure, findDpkgFailure, type DpkgFailure } from '../root/error.ts';
import type { DebStore, FetchProgress } from '../root/mod.ts';
import { differencesFrom, parseInstalled, parsePlan, type AptPlan, type Difference } from './upgrade-plan.ts';

export type UpgradeDeps = {
  readonly sandbox: Sandbox;
  readonly debs: DebStore;
  readonly onFetch: (progress: FetchProgress) => void;
  readonly onStep: (step: StepName) => void;
};

export type UpgradeRequest = {
  readonly from: Lock;
  readonly to: Lock;
  /** The root of `from`, topmost first. */
  readonly layers: readonly string[];
  /** What the upgrade writes goes there. */
  readonly scratch: string;
  /** An empty directory, for what apt reads. */
  readonly folder: string;
  readonly limits: SandboxSpec['limits'];
  readonly signal: AbortSignal;
};

/**
 * `prepare`: apt reads its index. `plan`: what apt would do. `upgrade`: apt-get dist-upgrade. `remove`: packages that apt
 * left and the second lock does not have. `check`: whether dpkg has what the lock says.
 */
export type StepName = 'prepare' | 'plan' | 'upgrade' | 'remove' | 'check';

export type UpgradeStep = { readonly name: StepName; /** Milliseconds. */ readonly duration: number };

export type Upgraded = {
  readonly steps: readonly UpgradeStep[];
  readonly plan: AptPlan;
  /** Names that the step `remove` removed. */
  readonly leftOver: readonly string[];
  /** Between what is installed at the end and what the second lock says. */
  readonly differences: readonly Difference[];
  readonly failure?: UpgradeFailure;
};

export type UpgradeFailure = Partial<DpkgFailure> & {
  readonly step: StepName;
  readonly reason: string;
  readonly lastOutput: readonly string[];
};

/** Where what apt reads is inside; a directory that every Debian root has. */
const inside = '/mnt';

/** An upgrade that fails is a value. Throws `no-apt`, `no-stanzas`, `aborted`, and what the sandbox and the store throw. */
export async function upgradeRoot(deps: UpgradeDeps, request: UpgradeRequest): Promise<Upgraded> {
  const { from, to } = request;
  check(from, to);
  await writeFolder(deps, request);
  const run = new Steps(deps, request);
  const before = new Set(from.packages.map((each) => wordOf(each, from)));
  // By name and version: apt would not go to older ones by itself, nor install what nobody needs.
  const changed = to.packages.map((each) => wordOf(each, to)).filter((word) => !before.has(word));
  const words = ['dist-upgrade', '--yes', '--allow-downgrades', ...changed];
  const foreign = [...new Set(to.packages.map(({ architecture }) => architecture))].filter(
    (each) => each !== 'all' && each !== to.architecture,
  );
  let plan: AptPlan = { installed: [], upgraded: [], downgraded: [], removed: [] };
  let leftOver: string[] = [];
  let differences: Difference[] = [];
  try {
    await run.step('prepare', ['sh', '-ec', prepare, 'prepare', ...foreign]);
    await run.step('prepare', apt(['update']));
    plan = parsePlan(await run.step('plan', apt(['--simulate', ...words])));
    await run.step('upgrade', apt(words));
    leftOver = differencesFrom(await run.installed(), to).flatMap(({ name, expected }) => (expected ? [] : [name]));
    if (leftOver.length > 0)
      await run.step('remove', apt(['remove', '--yes', '--allow-remove-essential', ...leftOver]));
    differences = differencesFrom(await run.installed(), to);
    await run.step('check', ['sh', '-ec', finish]);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    return { steps: run.steps, plan, leftOver, differences, failure: error.failure };
  }
  return { steps: run.steps, plan, leftOver, differences };
}

function check(from: Lock, to: Lock): void {
  if (!from.packages.some(({ name }) => name === 'apt')) {
    throw new SheafError('no-apt', 'Cannot upgrade the root: there is no apt in it', {
      kind: 'usage',
      hint: 'Lock it with variant = "minbase" or "apt", or with the package apt.',
    });
  }
  const without = to.packages.find(({ fields }) => fields === undefined);
  if (without !== undefined) {
    throw new SheafError('no-stanzas', `Cannot upgrade to the lock: it does not say what ${without.name} depends on`, {
      kind: 'usage',
      hint: 'Locks made by sheaf lock create or sheaf lock update say it.',
    });
  }
}

/** An archive that has the packages of the lock and no others, for an apt that knows nothing else. */
async function writeFolder(
  { debs, onFetch }: UpgradeDeps,
  { from, to, folder, signal }: UpgradeRequest,
): Promise<void> {
  await mkdir(join(folder, 'debs'), { recursive: true });
  for (const path of [folder, join(folder, 'debs')]) await chmod(path, 0o755);
  const known = new Set(from.packages.map(({ sha256 }) => sha256));
  const wanted = to.packages.filter(({ sha256 }) => !known.has(sha256));
  const paths = await debs.fetch(wanted, { signal, archives: to.sources.map(({ url }) => url), onProgress: onFetch });
  for (const [at, path] of paths.entries()) {
    const target = join(folder, fileOf(wanted[at]!));
    await link(path, target).catch(async () => copyFile(path, target));
    await chmod(target, 0o644);
  }
  await writeFile(join(folder, 'Packages'), to.packages.map(stanzaOf).join('\n'));
  await writeFile(join(folder, 'sources.list'), `deb [trusted=yes] file:${inside} ./\n`);
}

function fileOf({ name, version, architecture }: LockedPackage): string {
  return `debs/${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`;
}

function stanzaOf(each: LockedPackage): string {
  return formatStanza([
    ['Package', each.name],
    ['Version', each.version],
    ['Architecture', each.architecture],
    ...each.fields!.filter(([name]) => name !== 'Filename'),
    ['Filename', fileOf(each)],
    ['Size', String(each.size)],
    ['SHA256', each.sha256],
  ]);
}

function wordOf({ name, architecture, version }: LockedPackage, { architecture: native }: Lock): string {
  return `${name}${architecture === 'all' || architecture === native ? '' : `:${architecture}`}=${version}`;
}

/** apt-get on the folder; what else its configuration says is that of the root. */
function apt(words: readonly string[]): [string, ...string[]] {
  const settings = [
    `Dir::Etc::sourcelist=${inside}/sources.list`,
    'Dir::Etc::sourceparts=/dev/null',
    // Pins of the root have no say: the lock is what is wanted.
    'Dir::Etc::preferences=/dev/null',
    'Dir::Etc::preferencesparts=/dev/null',
    'Acquire::Languages=none',
    'APT::Sandbox::User=root',
    'Dpkg::Use-Pty=0',
    'Dpkg::Options::=--force-confdef',
    'Dpkg::Options::=--force-confold',
    'Dpkg::Options::=--force-unsafe-io',
  ];
  return ['apt-get', '--quiet', ...settings.flatMap((setting) => ['-o', setting]), ...words];
}

/** Nothing is started while packages are configured: invoke-rc.d(8). */
const prepare = `printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
for architecture do dpkg --add-architecture "$architecture"; done`;

const finish = 'rm -rf /usr/sbin/policy-rc.d /var/lib/apt/lists/* /var/cache/apt/*.bin';

const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
  DEBCONF_NONINTERACTIVE_SEEN: 'true',
};

const mostOutput = 4 * 2 ** 20;
const mostLines = 20;

class StepFailed extends Error {
  readonly failure: UpgradeFailure;

  constructor(failure: UpgradeFailure) {
    super(failure.reason);
    this.failure = failure;
  }
}

class Steps {
  readonly steps: UpgradeStep[] = [];
  readonly #deps: UpgradeDeps;
  readonly #request: UpgradeRequest;

  constructor(deps: UpgradeDeps, request: UpgradeRequest) {
    this.#deps = deps;
    this.#request = request;
  }

  /** What a command wrote. Two of one name are one step. Throws `StepFailed`, `aborted`. */
  async step(name: StepName, argv: readonly [string, ...string[]]): Promise<string> {
    const { layers, scratch, folder, limits, signal } = this.#request;
    const binds: Bind[] = [{ source: folder, target: inside, readOnly: true }];
    const chunks: Uint8Array[] = [];
    let size = 0;
    this.#deps.onStep(name);
    const outcome = await this.#deps.sandbox.run({
      ...{ layers, scratch, binds, argv, env: environment, limits, signal, cwd: '/' },
      architecture: this.#request.from.architecture,
      ...{ user: { uid: 0, gid: 0 }, network: 'none', hostname: 'localhost' },
      onOutput: (chunk) => {
        chunks.push(chunk);
        size += chunk.length;
        while (size > mostOutput && chunks.length > 1) size -= chunks.shift()!.length;
      },
    });
    const before = this.steps.at(-1)?.name === name ? this.steps.pop()!.duration : 0;
    this.steps.push({ name, duration: before + outcome.usage.wall });
    const output = Buffer.concat(chunks).toString();
    if (outcome.kind === 'aborted') throw new SheafError('aborted', 'Cannot go on with the upgrade: it was called off');
    if (outcome.kind === 'exited' && outcome.code === 0) return output;
    const lastOutput = output.trimEnd().split('\n').slice(-mostLines);
    const found = findDpkgFailure(output);
    throw new StepFailed({ step: name, reason: reasonOf(found, outcome), ...found, lastOutput });
  }

  async installed() {
    const format = '${db:Status-Status} ${Package} ${Architecture} ${Version}\\n';
    return parseInstalled(await this.step('check', ['dpkg-query', '--show', `--showformat=${format}`]));
  }
}

function reasonOf(found: DpkgFailure | undefined, outcome: Exclude<SandboxOutcome, { kind: 'aborted' }>): string {
  if (found !== undefined) return describeFailure(found);
  switch (outcome.kind) {
    case 'exited':
      return `it ended with exit code ${outcome.code}`;
    case 'killed':
      return `it was ended by ${outcome.signal}`;
    case 'limit':
      return outcome.message;
  }
}
