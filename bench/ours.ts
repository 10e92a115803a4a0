/** Ours: a real server and a real worker as processes of their own, told of the tag by the repository's hook. */
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '../test/free-port.ts';
import { openpgpPerson, type DemoPerson } from '../src/apps/demo/people.ts';
import { sheafCommand, startService, type Service } from '../src/apps/demo/processes.ts';
import { debianKeyring } from '../src/apps/demo/source.ts';
import { runTool } from '../src/apps/demo/tool.ts';
import { getJson, waitForServer, type Api } from '../src/apps/demo/watch.ts';
import { createUnshareSandbox } from '../src/plumbing/sandbox/unshare.ts';
import { makeAptClient, type AptClient } from './apt-client.ts';
import type { TaggedRelease } from './package.ts';
import { CpuSampler, type Spent, type Stages } from './measure.ts';

export type OursSetup = {
  readonly directory: string;
  readonly source: string;
  readonly architecture: string;
  readonly suite: string;
  readonly signal: AbortSignal;
};

export type Measured = {
  readonly stages: Stages;
  readonly total: Spent;
  /** What the server and the worker say about the inside of the stages, in seconds. */
  readonly inside: ReadonlyMap<string, number>;
};

export type Ours = {
  readonly maintainer: DemoPerson;
  readonly hook: { readonly url: string; readonly secretFile: string; readonly script: string };
  /** Starts server and worker; after the repository is there. */
  readonly start: () => Promise<void>;
  readonly release: (release: TaggedRelease, push: () => Promise<unknown>) => Promise<Measured>;
  readonly close: () => Promise<void>;
};

const webhook = 'git';
const repository = 'main';
const longest = 15 * 60_000;

export async function makeOurs(setup: OursSetup): Promise<Ours> {
  const { directory, suite, signal } = setup;
  const url = `http://127.0.0.1:${await freePort()}`;
  const sheaf = (...args: string[]) => runTool([sheafCommand, '-C', directory, ...args]);
  await runTool([sheafCommand, 'init', directory]);
  const maintainer = await openpgpPerson(directory, 'mia', 'Mia Maintainer');
  const secretFile = join(directory, 'secrets', `webhook-${webhook}`);
  await writeFile(secretFile, await runTool(['openssl', 'rand', '-hex', '32']), { mode: 0o600 });
  await writeFile(join(directory, 'sheaf.toml'), settings(setup, url));
  await mkdir(join(directory, 'git'), { recursive: true });
  const services: Service[] = [];
  const api: Api = { url, check: () => services.forEach((service) => service.check()) };
  let apt: AptClient | undefined;
  let cpu: CpuSampler | undefined;

  const startWorker = async () => {
    const home = join(directory, 'worker');
    const { token } = JSON.parse(await sheaf('--json', 'worker', 'token')) as { token: string };
    const tokenFile = join(directory, 'secrets', 'token');
    await writeFile(tokenFile, token, { mode: 0o600 });
    await sheaf('worker', 'enroll', '--name', 'bench', '--home', home, '--server', url, '--token-file', tokenFile);
    await sheaf('worker', 'approve', 'bench');
    services.push(await startService('worker', ['worker', 'run', '--home', home], join(directory, 'worker.log')));
  };
  return {
    maintainer,
    hook: { url: `${url}/hooks/${webhook}`, secretFile, script: join(import.meta.dirname, '../share/post-receive') },
    start: async () => {
      services.push(await startService('server', ['-C', directory, 'serve'], join(directory, 'server.log')));
      await waitForServer(api);
      await startWorker();
      const keyFile = join(directory, 'archive-key.asc');
      await writeFile(keyFile, await sheaf('key', 'export', repository));
      const source = { uri: `${url}/${repository}/`, suite, component: 'main', keyFile };
      apt = await makeAptClient(join(directory, 'apt'), source, signal);
      cpu = new CpuSampler([process.pid, await postmaster(directory)]);
    },
    release: async (release, push) => releaseOnce({ setup, api, apt: apt!, cpu: cpu!, release, push }),
    close: async () => {
      cpu?.stop();
      for (const service of services.toReversed()) await service.stop();
      await createUnshareSandbox().remove(directory);
    },
  };
}

type OneRelease = {
  readonly setup: OursSetup;
  readonly api: Api;
  readonly apt: AptClient;
  readonly cpu: CpuSampler;
  readonly release: TaggedRelease;
  readonly push: () => Promise<unknown>;
};

async function releaseOnce({ setup, api, apt, cpu, release, push }: OneRelease): Promise<Measured> {
  const { source, signal } = setup;
  const pointers = join(setup.directory, 'state/archive', repository, 'dists');
  cpu.start();
  const began = Date.now();
  const pushing = push().then(() => Date.now());
  let [published, seen] = [0, 0];
  // Each look at the pointer is one more publication; the first may be of the source alone.
  for await (const _ of changesOf(pointers, api, signal)) {
    published = Date.now();
    if (!(await apt.sees(source, release.version))) continue;
    seen = Date.now();
    break;
  }
  const pushed = await pushing;
  const facts = await readFacts(api, release, signal);
  // What is done after the package can be installed is work as well: it counts as CPU of the last stage.
  await sleep(1000, undefined, { signal });
  cpu.stop();
  const marks: [string, number][] = [
    ['intake', facts.judged],
    ['source', facts.source.finished],
    ['binary', facts.binary.finished],
    ['publish', published],
    ['apt', seen],
  ];
  let last = began;
  const stages = new Map<string, Spent>();
  for (const [name, time] of marks) {
    const cpuEnd = name === 'apt' ? Infinity : time;
    stages.set(name, { wall: (time - last) / 1000, cpu: cpu.between(last, cpuEnd) });
    last = time;
  }
  const inside = insideOf(began, pushed, facts, published, seen);
  return { stages, total: { wall: (seen - began) / 1000, cpu: cpu.between(began, Infinity) }, inside };
}

/** The archive's pointers have moved: by inotify, which costs the measured processes nothing. */
async function* changesOf(directory: string, api: Api, signal: AbortSignal): AsyncGenerator<void> {
  await mkdir(directory, { recursive: true });
  const watcher = watch(directory);
  const deadline = Date.now() + longest;
  let changed = false;
  watcher.on('change', () => (changed = true));
  try {
    while (Date.now() < deadline) {
      signal.throwIfAborted();
      api.check();
      if (!changed) {
        const pause = AbortSignal.any([signal, AbortSignal.timeout(500)]);
        await once(watcher, 'change', { signal: pause }).catch(() => {});
      }
      if (!changed) continue;
      changed = false;
      yield;
    }
  } finally {
    watcher.close();
  }
  throw new Error(`nothing was published within ${longest / 60_000} minutes`);
}

type JobFacts = {
  readonly created: number;
  readonly started: number;
  readonly finished: number;
  readonly timings: Readonly<Record<string, number>>;
};
type Facts = {
  readonly received: number;
  readonly judged: number;
  readonly source: JobFacts;
  readonly binary: JobFacts;
  readonly done: number;
};

type TagBuildAnswer = { id: number; tag: string; state: string; receivedAt: string; judgedAt: string; doneAt: string };
type JobAnswer = {
  id: number;
  tagBuild?: number;
  kind: 'source' | 'binary';
  createdAt: string;
  attempts: { startedAt: string; finishedAt: string; timings: Record<string, number> }[];
};

/** Waits for the tag build's end, and reads what the server has written down about it. */
async function readFacts(api: Api, release: TaggedRelease, signal: AbortSignal): Promise<Facts> {
  for (let tries = 0; tries < 300; tries += 1) {
    const { items } = await getJson<{ items: TagBuildAnswer[] }>(api, '/api/v1/tag-builds?limit=20');
    const found = items.find(({ tag }) => tag === release.tag);
    if (found?.state !== 'DONE') {
      await sleep(100, undefined, { signal });
      continue;
    }
    const { items: jobs } = await getJson<{ items: JobAnswer[] }>(api, '/api/v1/jobs?limit=20');
    const ofTag = jobs.filter(({ tagBuild }) => tagBuild === found.id);
    const factsOf = async (kind: JobAnswer['kind']) => {
      const { id } = ofTag.find((job) => job.kind === kind)!;
      return jobFacts(await getJson<JobAnswer>(api, `/api/v1/jobs/${id}`));
    };
    const [received, judged, done] = [found.receivedAt, found.judgedAt, found.doneAt].map((text) => Date.parse(text));
    return {
      received: received!,
      judged: judged!,
      done: done!,
      source: await factsOf('source'),
      binary: await factsOf('binary'),
    };
  }
  throw new Error(`tag build of ${release.tag} did not end`);
}

function jobFacts(job: JobAnswer): JobFacts {
  const attempt = job.attempts.at(-1)!;
  return {
    created: Date.parse(job.createdAt),
    started: Date.parse(attempt.startedAt),
    finished: Date.parse(attempt.finishedAt),
    timings: attempt.timings,
  };
}

function insideOf(began: number, pushed: number, facts: Facts, published: number, seen: number): Map<string, number> {
  const { received, judged, source, binary, done } = facts;
  const inside = new Map<string, number>();
  const add = (name: string, milliseconds: number) => inside.set(name, milliseconds / 1000);
  add('push, until the report arrives', received - began);
  add('push, until it returns', pushed - began);
  add('intake: fetch, verify, judge', judged - received);
  const job = (name: string, since: number, facts_: JobFacts) => {
    add(`${name}: until the job is written`, facts_.created - since);
    add(`${name}: until a worker has it`, facts_.started - facts_.created);
    let rest = facts_.finished - facts_.started;
    for (const [step, time] of Object.entries(facts_.timings)) {
      add(`${name}: ${step}`, time);
      rest -= time;
    }
    add(`${name}: log, provenance, checks of the server`, rest);
  };
  job('source', judged, source);
  job('binary', source.finished, binary);
  add('publish: accept, index, sign, swap', published - binary.finished);
  add('apt: update and look', seen - published);
  add('after: until the tag build is done', done - published);
  return inside;
}

async function postmaster(directory: string): Promise<number> {
  return Number((await readFile(join(directory, 'state/postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]);
}

function settings({ directory, source, architecture, suite }: OursSetup, url: string): string {
  const quote = JSON.stringify;
  return `name = "Bench"
url = ${quote(url)}
listen = ${quote(url.slice('http://'.length))}
[git]
directories = [${quote(join(directory, 'git'))}]
[upstream.bookworm]
url = "http://deb.debian.org/debian"
suites = ["bookworm"]
components = ["main"]
keyring = ${quote(debianKeyring)}
[repository.${repository}]
[suite.${suite}]
repository = ${quote(repository)}
upstream = "bookworm"
architectures = [${quote(architecture)}]
[webhook.${webhook}]
kind = "generic"
secret-file = "secrets/webhook-${webhook}"
suite = ${quote(suite)}
[person.mia]
full-name = "Mia Maintainer"
email = "mia@demo.invalid"
openpgp = ["keys/mia.asc"]
[[person.mia.may-release]]
packages = [${quote(source)}]
suites = [${quote(suite)}]
`;
}
