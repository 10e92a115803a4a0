/** Following a tag through the server's own API until it is installed or refused. */
import { setTimeout as sleep } from 'node:timers/promises';

import { SheafError } from '../../kit/error.ts';
import type { Say } from './progress.ts';

/** The parts of the API's answers that the demonstration reads. */
export type WatchedTagBuild = {
  readonly id: number;
  readonly repository: string;
  readonly tag: string;
  readonly state: 'RECEIVED' | 'REJECTED' | 'ACCEPTED' | 'DONE' | 'DUPLICATE';
  readonly sentence: string;
  readonly receivedAt: string;
  readonly judgedAt?: string;
  readonly doneAt?: string;
  readonly refusals: readonly { readonly code: string; readonly message: string }[];
  readonly signature?: { readonly kind: string; readonly fingerprint: string };
};

export type WatchedJob = {
  readonly id: number;
  readonly kind: string;
  readonly state: string;
  readonly sentence: string;
};

export type WatchedRebuild = {
  readonly result: {
    readonly verdict: string;
    readonly files: readonly { readonly file: string; readonly verdict: string }[];
  };
};

type RebuiltFile = { readonly rebuild: number; readonly source: string; readonly version: string };
type RebuildTask = { readonly version: string; readonly reason: string };

export type Api = {
  readonly url: string;
  readonly check: () => void;
};

const pollEvery = 150;
const longest = 30 * 60_000;
const failed = new Set(['Failed', 'Build-Attempted', 'BD-Uninstallable', 'Cancelled']);

export async function getJson<T>(api: Api, path: string): Promise<T> {
  const response = await fetch(`${api.url}${path}`, { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new SheafError('api-failed', `Cannot read ${path}: status ${response.status}`);
  return (await response.json()) as T;
}

/** Waits until the server answers. */
export async function waitForServer(api: Api): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    api.check();
    const up = await fetch(`${api.url}/api/v1/status`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined);
    if (up?.ok === true) return;
    await sleep(200);
  }
  throw new SheafError('server-silent', `Cannot reach the server at ${api.url}: no answer in a minute`);
}

/** Waits for the end of the tag's way. Throws `job-failed` with the job's sentence and the address of its log. */
export async function waitForTag(api: Api, repository: string, tag: string, say: Say): Promise<WatchedTagBuild> {
  const deadline = Date.now() + longest;
  let last = '';
  while (Date.now() < deadline) {
    api.check();
    const { items } = await getJson<{ items: WatchedTagBuild[] }>(api, '/api/v1/tag-builds?limit=50');
    const found = items.find((item) => item.repository === repository && item.tag === tag);
    if (found !== undefined && (found.state === 'DONE' || found.state === 'REJECTED')) return found;
    if (found !== undefined) last = await currentSentence(api, found);
    say.now(last === '' ? 'waiting for the hook' : last);
    await sleep(pollEvery);
  }
  throw new SheafError('demo-timeout', `Cannot wait any longer for tag "${tag}": ${last}`);
}

async function currentSentence(api: Api, tagBuild: WatchedTagBuild): Promise<string> {
  const { items } = await getJson<{ items: WatchedJob[] }>(api, `/api/v1/jobs?tagBuild=${tagBuild.id}`);
  const broken = items.find(({ state }) => failed.has(state));
  if (broken !== undefined) {
    throw new SheafError('job-failed', `Cannot build tag "${tagBuild.tag}": ${broken.sentence}`, {
      hint: `The log is at ${api.url}/job/${broken.id}.`,
    });
  }
  const moving = items.find(({ state }) => state !== 'Installed');
  return moving?.sentence ?? tagBuild.sentence;
}

/** Waits for the verdict on what a version has published. */
export async function waitForRebuild(api: Api, source: string, version: string, say: Say): Promise<WatchedRebuild> {
  const deadline = Date.now() + longest;
  let last = '';
  while (Date.now() < deadline) {
    api.check();
    const files = await getJson<{ items: RebuiltFile[] }>(api, `/api/v1/rebuilds?limit=200&contains=${source}`);
    const found = files.items.find((each) => each.source === source && each.version === version);
    if (found !== undefined) return getJson<WatchedRebuild>(api, `/api/v1/rebuilds/${found.rebuild}`);
    const tasks = await getJson<{ items: RebuildTask[] }>(api, `/api/v1/rebuilds/tasks?source=${source}`);
    last = tasks.items.find((each) => each.version === version)?.reason ?? last;
    say.now(last);
    await sleep(pollEvery);
  }
  throw new SheafError('demo-timeout', `Cannot wait any longer for the rebuild of ${source} ${version}: ${last}`);
}
