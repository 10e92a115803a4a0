/** The steps of the demonstration, in order. */
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { SheafError } from '../../kit/error.ts';
import { nativeArchitecture } from '../../plumbing/native-architecture.ts';
import { probeSandbox } from '../../plumbing/sandbox/probe.ts';
import { createUnshareSandbox } from '../../plumbing/sandbox/unshare.ts';
import { rootDeps } from '../roots.ts';
import { sourcesPath } from '../web/path.ts';
import { installInCleanRoot, type ClientReport } from './client.ts';
import { addRelease, makeRepository, pushTag } from './packaging.ts';
import { forgetAgents, openpgpPerson, sshPerson, type DemoPerson } from './people.ts';
import { sheafCommand, startService, type Service } from './processes.ts';
import { Progress, type FinishedStep } from './progress.ts';
import { showRefusals, type DemoRefusal } from './refusals.ts';
import { demoSettings, demoSuite, demoWebhook } from './settings.ts';
import { fetchSources, type FetchedSource } from './source.ts';
import { runTool } from './tool.ts';
import { waitForRebuild, waitForServer, waitForTag, type Api, type WatchedTagBuild } from './watch.ts';

export type DemoOptions = { readonly directory: string; readonly port: number; readonly fresh: boolean };

export type DemoSummary = {
  readonly url: string;
  readonly directory: string;
  readonly steps: readonly FinishedStep[];
  readonly packages: readonly { readonly source: string; readonly tag: string; readonly state: string }[];
  readonly refusals: readonly DemoRefusal[];
  readonly clients: readonly (ClientReport & { readonly root: string })[];
  readonly rebuilds: readonly { readonly source: string; readonly verdict: string }[];
  /** The deb822 source stanza with its key. */
  readonly sources: string;
};

type People = { readonly maintainer: DemoPerson; readonly second: DemoPerson; readonly outsider: DemoPerson };

export class Demo {
  readonly #options: DemoOptions;
  readonly #directory: string;
  readonly #api: Api;
  readonly #progress = new Progress();
  readonly #services: Service[] = [];

  constructor(options: DemoOptions) {
    this.#options = options;
    this.#directory = resolve(options.directory);
    this.#api = {
      url: `http://127.0.0.1:${options.port}`,
      check: () => this.#services.forEach((service) => service.check()),
    };
  }

  async run(): Promise<DemoSummary> {
    const progress = this.#progress;
    await this.#prepare();
    const people = await progress.step('Make a distribution, its archive key and its people’s keys', async (say) => {
      const made = await this.#makeDistribution();
      say.evidence(join(this.#directory, 'sheaf.toml'));
      return made;
    });
    const sources = await progress.step(
      'Fetch two real source packages from Debian, signatures checked by apt',
      (say) => this.#fetch(say),
    );
    await progress.step('Start the server, a worker, and one of another pool that builds all once more', (say) =>
      this.#start(say),
    );
    const packages = [
      await this.#release(sources[0]!, people.maintainer, 'OpenPGP'),
      await this.#release(sources[1]!, people.second, 'SSH'),
    ];
    const hello = packages[0]!;
    const refusals = await showRefusals(progress, this.#api, hello.repository, hello.version, people);
    const stanza = await fetchText(`${this.#api.url}${sourcesPath(demoSuite)}`);
    const clients = [];
    for (const [root, codename] of [
      ['Debian 12', 'bookworm'],
      ['Debian 13', 'trixie'],
    ] as const) {
      clients.push({ root, ...(await this.#install(root, codename, stanza, hello.version)) });
    }
    const rebuilds = [];
    for (const { source, version } of packages) rebuilds.push(await this.#rebuild(source, version));
    return {
      url: this.#api.url,
      directory: this.#directory,
      steps: progress.finished,
      packages: packages.map(({ source, tagBuild }) => ({ source, tag: tagBuild.tag, state: tagBuild.state })),
      refusals,
      clients,
      rebuilds,
      sources: stanza,
    };
  }

  /** Stops the workers, then the server. */
  async close(): Promise<void> {
    for (const service of this.#services.toReversed()) await service.stop();
    await forgetAgents(this.#directory);
  }

  async #prepare(): Promise<void> {
    await this.#awaitPort(this.#options.port);
    await requireSandbox();
    if (this.#options.fresh) {
      await createUnshareSandbox().remove(join(this.#directory, 'clients'));
      await rm(this.#directory, { recursive: true, force: true });
    }
    await mkdir(this.#directory, { recursive: true });
  }

  /** What an earlier run left behind when it was killed is still ending. */
  async #awaitPort(port: number): Promise<void> {
    const end = performance.now() + 10_000;
    for (let waits = 0; ; waits++) {
      const used = await usedPort(port);
      if (used === undefined) return;
      if (performance.now() > end || !String(used).includes('EADDRINUSE')) {
        throw new SheafError('address-in-use', `Cannot use port ${port}: ${used.message}`, {
          kind: 'environment',
          hint: 'Is another demonstration running? Otherwise choose another port: ./run demo --port 8700',
        });
      }
      if (waits === 0) this.#progress.print(`Port ${port} is in use; waiting up to 10 s until it is free.`);
      await setTimeout(200);
    }
  }

  async #makeDistribution(): Promise<People> {
    if (!(await exists(join(this.#directory, 'sheaf.toml')))) await runTool([sheafCommand, 'init', this.#directory]);
    const maintainer = await openpgpPerson(this.#directory, 'maria', 'Maria Maintainer');
    const second = await sshPerson(this.#directory, 'sam', 'Sam Signer');
    const outsider = await openpgpPerson(this.#directory, 'otto', 'Otto Outsider');
    const secret = join(this.#directory, 'secrets', `webhook-${demoWebhook}`);
    if (!(await exists(secret))) {
      await writeFile(secret, await runTool(['openssl', 'rand', '-hex', '32']), { mode: 0o600 });
    }
    const people = { maintainer, second, outsider };
    const { port } = this.#options;
    const git = join(this.#directory, 'git');
    await mkdir(git, { recursive: true });
    const settings = demoSettings({ port, architecture: nativeArchitecture(), git, ...people });
    await writeFile(join(this.#directory, 'sheaf.toml'), settings);
    return people;
  }

  async #fetch(say: { evidence: (text: string) => void }): Promise<FetchedSource[]> {
    const fetched = await fetchSources(join(this.#directory, 'sources'), ['hello', 'libtry-tiny-perl']);
    for (const { name, version } of fetched) say.evidence(`${name} ${version}`);
    return fetched;
  }

  async #start(say: { evidence: (text: string) => void }): Promise<void> {
    const dir = ['-C', this.#directory];
    this.#services.push(await startService('server', [...dir, 'serve'], join(this.#directory, 'server.log')));
    await waitForServer(this.#api);
    await this.#startWorker('worker', 'demo', 'default');
    await this.#startWorker('rebuilder', 'again', 'second');
    say.evidence(`pages at ${this.#api.url}`);
    for (const { name, logFile } of this.#services) say.evidence(`the ${name}'s log is ${logFile}`);
  }

  /** `name` is what its folder, its log and the service are called. */
  async #startWorker(name: string, worker: string, pool: string): Promise<void> {
    const home = join(this.#directory, name);
    if (!(await exists(join(home, 'worker.json')))) {
      const { token } = JSON.parse(await this.#sheaf(['--json', 'worker', 'token'])) as { token: string };
      const tokenFile = join(this.#directory, 'secrets', 'worker-token');
      await writeFile(tokenFile, token, { mode: 0o600 });
      const where = ['--home', home, '--server', this.#api.url, '--token-file', tokenFile];
      await this.#sheaf(['worker', 'enroll', '--name', worker, '--pool', pool, ...where]);
      await rm(tokenFile);
    }
    await this.#sheaf(['worker', 'approve', worker]);
    const args = ['worker', 'run', '--home', home];
    this.#services.push(await startService(name, args, join(this.#directory, `${name}.log`)));
  }

  async #release(fetched: FetchedSource, signer: DemoPerson, kind: string) {
    const progress = this.#progress;
    const version = `${fetched.version}+demo${Math.floor(Date.now() / 1000)}`;
    const tag = `debian/${version}`;
    const repository = await progress.step(`Make a git repository of ${fetched.name}`, async (say) => {
      const made = await makeRepository(this.#directory, fetched, signer, {
        url: `${this.#api.url}/hooks/${demoWebhook}`,
        secretFile: join(this.#directory, 'secrets', `webhook-${demoWebhook}`),
        script: join(import.meta.dirname, '../../../share/post-receive'),
      });
      const change = 'Rebuild for the demonstration.';
      await addRelease(made, signer, { version, distribution: demoSuite, change, date: new Date() });
      say.evidence(made.work);
      return made;
    });
    const tagBuild = await progress.step(
      `Tag ${fetched.name} ${version}, signed by ${kind}: built and published`,
      async (say) => {
        await pushTag(repository, tag, signer);
        const done = await waitForTag(this.#api, repository.bare, tag, say);
        if (done.state !== 'DONE') throw refusedByMistake(done);
        say.evidence(`${done.signature?.kind} key ${done.signature?.fingerprint}`);
        say.evidence(`${this.#api.url}/package/${fetched.name}`);
        return done;
      },
    );
    return { source: fetched.name, repository, version, tagBuild };
  }

  async #install(root: string, codename: string, sources: string, version: string): Promise<ClientReport> {
    return this.#progress.step(`Install hello on a clean ${root} with its own apt, and run it`, async (say) => {
      const request = { codename, architecture: nativeArchitecture(), sources, package: 'hello' };
      const roots = rootDeps(createUnshareSandbox());
      const program = ['/usr/bin/hello'] as const;
      const report = await installInCleanRoot(join(this.#directory, 'clients'), roots, { ...request, program }, say);
      if (report.version !== version || report.output !== 'Hello, world!') {
        throw new SheafError(
          'wrong-package',
          `Cannot trust the client: it has hello ${report.version}, not ${version}`,
        );
      }
      say.evidence(`${report.apt} installed hello ${report.version}; it says “${report.output}”`);
      return report;
    });
  }

  /** By the worker of the other pool, since it was published: the worker that built it has no part in it. */
  async #rebuild(source: string, version: string) {
    return this.#progress.step(
      `${source}, built once more in another pool: every byte compared with what is published`,
      async (say) => {
        const { result } = await waitForRebuild(this.#api, source, version, say);
        for (const { file, verdict } of result.files) say.evidence(`${verdict}  ${file}`);
        say.evidence(`${this.#api.url}/rebuilds`);
        return { source, verdict: result.verdict };
      },
    );
  }

  #sheaf(args: readonly string[]): Promise<string> {
    return runTool([sheafCommand, '-C', this.#directory, ...args]);
  }
}

function refusedByMistake(tagBuild: WatchedTagBuild): SheafError {
  const reasons = tagBuild.refusals.map(({ code, message }) => `${code}: ${message}`).join('\n');
  return new SheafError('demo-refused', `Cannot release tag "${tagBuild.tag}": it was refused\n${reasons}`);
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new SheafError('api-failed', `Cannot read ${url}: status ${response.status}`);
  return response.text();
}

/** Better said at once than after a minute of work. */
async function requireSandbox(): Promise<void> {
  const probe = await probeSandbox(createUnshareSandbox());
  if (probe.works) return;
  throw new SheafError('no-sandbox', `Cannot build on this machine: ${probe.reason}`, {
    kind: 'environment',
    hint: './sheaf doctor says what is missing, and the command that adds it.',
  });
}

/** Undefined where it is free. */
async function usedPort(port: number): Promise<Error | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}

/** That a file is here; its content may be half of what it was meant to be, so only small, atomic files are asked for. */
async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
