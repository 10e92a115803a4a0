/**
 * A whole distribution in a temporary folder: real keys, a real git repository, the real server and worker as processes
 * of their own on loopback. What tests of the whole way stand on.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, open, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { freePort } from './free-port.ts';
import { forgetAgents, openpgpPerson, signingConfig, type DemoPerson } from '../src/apps/demo/people.ts';
import { runTool } from '../src/apps/demo/tool.ts';
import { createUnshareSandbox } from '../src/plumbing/sandbox/unshare.ts';
import { testDatabase, type TestDatabase } from './database.ts';
import { writeToyPackage, type ToyPackage } from './toy-package.ts';

const execute = promisify(execFile);
const sheaf = join(import.meta.dirname, '../sheaf');

export type World = {
  readonly directory: string;
  readonly url: string;
  readonly database: TestDatabase;
  readonly maintainer: DemoPerson;
  /** Runs `./sheaf -C DIRECTORY ARGS`; throws on any exit code but 0. */
  readonly sheaf: (...args: string[]) => Promise<string>;
  /** Commits the package and tags it `debian/VERSION`; returns the repository and the tag. */
  readonly release: (toy: Omit<ToyPackage, 'distribution'>) => Promise<{ repository: string; tag: string }>;
  readonly startServer: () => Promise<Process>;
  /** On the same database and folder, at another port. */
  readonly startSecondServer: () => Promise<Process>;
  /** `toy` in pool `default` when not said. */
  readonly startWorker: (name?: string, pool?: string) => Promise<Process>;
  readonly close: () => Promise<void>;
};

export type Process = {
  readonly pid: number;
  readonly log: string;
  /** SIGKILL, and waits until it is gone. */
  readonly kill: () => Promise<void>;
  /** SIGTERM, and waits until it is gone. */
  readonly stop: () => Promise<void>;
};

export type WorldOptions = {
  /** Lines for sheaf.toml's [build] table. */
  readonly build?: readonly string[];
  /** Lines for its [suite.stable] table. */
  readonly suite?: readonly string[];
};

export async function makeWorld(options: WorldOptions = {}): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-world-'));
  const database = await testDatabase();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const processes = new Set<Process>();
  const env = { ...process.env, SHEAF_DATABASE_URL: database.url };
  const command = async (...args: string[]) => (await execute(sheaf, ['-C', directory, ...args], { env })).stdout;

  await execute(sheaf, ['init', directory], { env });
  const maintainer = await openpgpPerson(directory, 'tess', 'Tess Tester');
  await writeFile(join(directory, 'sheaf.toml'), settings(directory, url, maintainer, options));
  await mkdir(join(directory, 'git'));

  const start = async (name: string, args: readonly string[]): Promise<Process> => {
    const started = await startProcess(join(directory, `${name}.log`), args, env);
    processes.add(started);
    return started;
  };
  const enrolled = new Set<string>();
  return {
    directory,
    url,
    database,
    maintainer,
    sheaf: command,
    release: (toy) => release(directory, maintainer, { ...toy, distribution: 'stable' }),
    startServer: async () => {
      const server = await start('server', ['-C', directory, 'serve']);
      await waitFor(`${url}/api/v1/status`);
      return server;
    },
    startSecondServer: async () => {
      const otherPort = await freePort();
      const other = `http://127.0.0.1:${otherPort}`;
      const twin = join(directory, 'twin');
      await mkdir(twin, { recursive: true });
      for (const name of ['keys', 'secrets', 'state'])
        await symlink(join(directory, name), join(twin, name)).catch(() => {});
      const text = settings(directory, url, maintainer, options);
      await writeFile(join(twin, 'sheaf.toml'), text.replace(/^listen = .*$/m, `listen = "127.0.0.1:${otherPort}"`));
      const server = await start('twin', ['-C', twin, 'serve']);
      await waitFor(`${other}/api/v1/status`);
      return server;
    },
    startWorker: async (name = 'toy', pool = 'default') => {
      const home = join(directory, `worker-${name}`);
      if (!enrolled.has(name)) {
        const { token } = JSON.parse(await command('worker', 'token', '--json')) as { token: string };
        const who = ['--name', name, '--pool', pool, '--home', home];
        await command('worker', 'enroll', '--server', url, '--token', token, ...who);
        await command('worker', 'approve', name);
        enrolled.add(name);
      }
      return start(`worker-${name}`, ['worker', 'run', '--home', home]);
    },
    close: async () => {
      for (const each of processes) await each.kill();
      await forgetAgents(directory);
      await database.close();
      await removeAll(directory);
    },
  };
}

async function release(directory: string, maintainer: DemoPerson, toy: ToyPackage) {
  const repository = join(directory, 'git', toy.name);
  const git = (...args: string[]) =>
    runTool(['git', ...signingConfig(maintainer).args, ...args], gitOptions(repository, maintainer));
  await mkdir(repository, { recursive: true });
  await git('init', '--quiet');
  await writeToyPackage(repository, toy);
  await git('add', '--all');
  await git('commit', '--quiet', '-m', `Release ${toy.version}`);
  const tag = `debian/${toy.version}`;
  await git('tag', '--sign', '-m', `${toy.name} ${toy.version}`, tag);
  return { repository, tag };
}

function gitOptions(cwd: string, maintainer: DemoPerson) {
  return { cwd, env: { GNUPGHOME: maintainer.home } };
}

function settings(directory: string, url: string, maintainer: DemoPerson, options: WorldOptions): string {
  const { file } = maintainer.publicKey as { file: string };
  return `name = "Toys"
url = "${url}"
listen = "${url.slice('http://'.length)}"
[git]
directories = ["${join(directory, 'git')}"]
[upstream.bookworm]
url = "http://deb.debian.org/debian"
suites = ["bookworm"]
components = ["main"]
keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
[repository.main]
[suite.stable]
repository = "main"
upstream = "bookworm"
architectures = ["amd64"]
${(options.suite ?? []).join('\n')}
[build]
${(options.build ?? []).join('\n')}
[person.tess]
full-name = "Tess Tester"
openpgp = ["${file}"]
[[person.tess.may-release]]
packages = ["toy*"]
suites = ["stable"]
`;
}

async function startProcess(logFile: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Process> {
  const log = await open(logFile, 'a');
  const child = spawn(sheaf, args, { stdio: ['ignore', log.fd, log.fd], env });
  await log.close();
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async (signal: NodeJS.Signals) => {
    if (!hasEnded(child)) child.kill(signal);
    await exit;
  };
  return { pid: child.pid!, log: logFile, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function waitFor(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(100);
  }
  throw new Error(`no answer from ${url}`);
}

/** Scratch folders belong to the sandbox's ids, which an ordinary user cannot remove by itself. */
async function removeAll(directory: string): Promise<void> {
  await createUnshareSandbox()
    .remove(directory)
    .catch(() => {});
  await rm(directory, { recursive: true, force: true });
}
