/** `sheaf serve`: the HTTP server, and the flow that moves tag builds whenever something happens. */
import { createServer, type RequestListener } from 'node:http';

import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { Logger } from 'pino';

import { reconcile } from '../../archive/mod.ts';
import { listen } from '../../db/notify.ts';
import { rebuildsAsker } from '../../flows/ask-for-rebuilds.ts';
import { followUpstream } from '../../flows/follow-upstream.ts';
import { runRebuildTask } from '../../flows/rebuild-task.ts';
import { recordPublications } from '../../flows/record-publication.ts';
import { advance } from '../../flows/tag-to-suite.ts';
import { proveCompressed } from '../../history/compressed.ts';
import { listOpenTagBuilds, receiveTag } from '../../intake/mod.ts';
import { describeError, SheafError } from '../../kit/error.ts';
import type { Notifier, Suite, Upstream } from '../../model/distribution.ts';
import { deliverDue, giveUpGone, listUnheard } from '../../notify/mod.ts';
import { parseLock } from '../../lock/mod.ts';
import type { Storage } from '../house-storage.ts';
import type { House } from '../house.ts';
import { rebuildTaskDeps } from '../rebuild/tasks.ts';
import { openRebuilder } from '../rebuilder.ts';
import { webPages, type WebPages } from '../web/mod.ts';
import { readSecretFile } from '../../plumbing/secret-file.ts';
import { runLintian } from '../../plumbing/lintian.ts';
import { verifyDocument } from '../../plumbing/upload-signature.ts';
import { jsonApi } from './api.ts';
import { archiveFiles } from './archive-files.ts';
import { Dispatcher } from './dispatcher.ts';
import { hooks } from './hooks.ts';
import { Incoming } from './incoming.ts';
import { LeaseDesk } from './lease-desk.ts';
import { metrics } from './metrics.ts';
import { publishLiving, publishNew, type LivingDeps } from './publish-living.ts';
import { RebuildDesk } from './rebuild-desk.ts';
import { rebuilderdApi } from './rebuilderd-api.ts';
import { snapshotApi } from './snapshot-api/mod.ts';
import { startTimers, type Timer } from './timers.ts';
import { uploadApi } from './upload-api.ts';
import { refuseWrongMethods } from './wrong-method.ts';
import { workerApi } from './worker-api.ts';

export type RunningServer = {
  readonly url: string;
  /** Answers what is under way, finishes the steps that have begun, and lets go of the port. */
  readonly close: () => Promise<void>;
};

/** Throws `address-in-use` when the port is taken, `cannot-listen` for another reason; nothing runs on then. */
export async function startServer(house: House, log: Logger): Promise<RunningServer> {
  await reconcile(house.archive);
  const stopping = new AbortController();
  const living = livingDeps(house, log, stopping.signal);
  await publishNew(living);
  const dispatcher = new Dispatcher({
    advance: (tagBuild) => advance(house.flow, tagBuild),
    onError: (tagBuild, error, pause) => {
      log.warn({ tagBuild, error: describeError(error) }, `tag build ${tagBuild} is tried again in ${pause / 1000} s`);
    },
    width: 4,
  });
  const wakeAll = async () => {
    for (const id of await listOpenTagBuilds(house.db)) dispatcher.wake(id);
  };
  // Before the listener: a wake-up may come while it is still being set up.
  const timers = startTimers(timersOf(house, wakeAll, living, log, stopping.signal), (name, error) => {
    log.error({ error: describeError(error) }, `${name} did not work; it is tried again`);
  });
  const revive = reviver(house, log, stopping.signal);
  const report = (error: unknown) => {
    log.error({ error: describeError(error) }, 'something failed');
    if (isUnreachable(error)) revive();
  };
  const rebuilds = openRebuildDesk(house, stopping.signal, report);
  const listener = await listen(
    house.pool,
    ['tag_build', 'event', 'rebuild_task', 'workers'],
    (channel, payload) => {
      if (channel === 'tag_build') dispatcher.wake(Number(payload));
      else if (channel === 'rebuild_task') rebuilds.wake();
      else if (channel === 'workers') rebuilds.workersChanged();
      else {
        for (const notifier of house.distribution.notifiers.values()) timers.run(newsTimer(notifier));
        timers.run(recordingTimer);
      }
    },
    () => {
      rebuilds.workersChanged();
      void wakeAll().catch((error: unknown) =>
        log.error({ error: describeError(error) }, 'cannot read open tag builds'),
      );
    },
  );
  const desk = await LeaseDesk.open({ ...house, leaseMs: house.distribution.build.lease, onError: report });
  const pages = webPages(house.web(report));
  const app = routes(house, desk, pages, report);
  const end = async (port?: Port) => {
    // Long polls and streams go first: the port is free only when nobody uses it.
    await Promise.all([desk.close(), pages.close()]);
    await port?.close();
    stopping.abort();
    await timers.close();
    await rebuilds.close();
    await listener.close();
    await dispatcher.close();
  };
  // Without a port all that has begun ends too: it would keep the process from ending, and outlive its database.
  const port = await openPort(house, archiveFirst(house, app, report)).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  log.info(`serving ${house.distribution.name} at ${house.distribution.url}`);
  await wakeAll();
  timers.run(recordingTimer);
  // What was published is served meanwhile.
  timers.run(renewalTimer);
  return {
    url: house.distribution.url,
    close: () => end(port),
  };
}

/** A database that runs beside us, and was killed, has nobody else who starts it again. One try at a time. */
function reviver({ reviveDatabase }: House, log: Logger, stop: AbortSignal): () => void {
  let trying: Promise<void> | undefined;
  return () => {
    if (stop.aborted) return;
    trying ??= reviveDatabase()
      .catch((error: unknown) => log.error({ error: describeError(error) }, 'cannot start the database'))
      .finally(() => (trying = undefined));
  };
}

/** No server has its socket. */
function isUnreachable(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === 'connect' && (code === 'ENOENT' || code === 'ECONNREFUSED');
}

function openRebuildDesk(house: House, signal: AbortSignal, onError: (error: unknown) => void): RebuildDesk {
  const { db, pool, clock } = house;
  const deps = rebuildTaskDeps(house, signal);
  return new RebuildDesk({ db, pool, clock, onError, run: (...args) => runRebuildTask(deps, ...args) });
}

function routes(house: House, desk: LeaseDesk, pages: WebPages, report: (error: unknown) => void): Hono {
  const { db, blobs, clock, distribution } = house;
  const app = new Hono();
  refuseWrongMethods(app);
  app.route('/api/worker', workerApi({ db, blobs, clock, distribution, desk, parseLock, onError: report }));
  app.route('/', hooks({ distribution, report, receive: (request) => receiveTag(db, request, clock.now()) }));
  app.route('/', uploads(house, report));
  app.route('/', rebuilderdApi({ db, distribution, rebuilder: () => openRebuilder(house.paths, distribution) }));
  app.route('/', metrics({ db, distribution, now: () => clock.now(), signer: house.signer }));
  app.route('/', jsonApi(house.web(report)));
  app.route('/', snapshotApi({ db, blobs, distribution, history: house.history, directory: house.paths.archive }));
  app.route('/', pages.app);
  return app;
}

/** The archive's files go out before any page is thought of: that is what most clients want, and they are many. */
function archiveFirst(
  { distribution, paths, storage }: House,
  app: Hono,
  onError: (error: unknown) => void,
): RequestListener {
  const pages = getRequestListener(app.fetch, { hostname: distribution.listen.host });
  const listener: RequestListener = (request, response) => void pages(request, response);
  return archiveFiles({ distribution, directory: paths.archive, recall: storage?.recall, onError }, listener);
}

const recordingTimer = 'record of publications';
const renewalTimer = 'renewal of Release files';

function uploads({ archive, paths, clock }: House, report: (error: unknown) => void): Hono {
  const uploaders = () =>
    readSecretFile(paths.uploaders).catch((error: unknown) => {
      if (error instanceof SheafError && error.code === 'no-secret') return undefined;
      throw error;
    });
  return uploadApi({
    archive,
    verifyDocument,
    runLintian,
    incoming: new Incoming(paths.incoming),
    uploaders,
    clock,
    report,
  });
}

/** What has to happen when nothing else does; nothing on a package's way waits for these. */
function timersOf(
  house: House,
  wakeAll: () => Promise<void>,
  living: LivingDeps,
  log: Logger,
  signal: AbortSignal,
): Timer[] {
  const { distribution } = house;
  const askForRebuilds = rebuildsAsker(house);
  const second = 1000;
  return [
    ...[...distribution.notifiers.values()].map((notifier): Timer => {
      return { name: newsTimer(notifier), every: 10 * second, run: newsTeller(house, notifier, log) };
    }),
    {
      name: 'news for nobody',
      every: 60 * second,
      run: () => giveUpGone(house.db, [...distribution.notifiers.keys()]),
    },
    { name: 'waiting tag builds', every: 3600 * second, run: wakeAll },
    {
      name: recordingTimer,
      every: 3600 * second,
      run: async () => {
        try {
          await recordPublications(house.publications);
        } finally {
          await askForRebuilds();
        }
      },
    },
    ...(house.storage === undefined
      ? []
      : [{ name: 'tidying of the storage', every: 3600 * second, run: () => tidyStorage(house.storage!, signal) }]),
    { name: 'tidying of the history', every: 24 * 3600 * second, run: () => tidyHistory(house, signal) },
    ...[...distribution.upstreams.values()].flatMap((upstream): Timer[] =>
      upstream.every === undefined
        ? []
        : [
            {
              name: `upstream ${upstream.name}`,
              every: upstream.every,
              run: () => follow(house, upstream, log, signal),
            },
          ],
    ),
    { name: renewalTimer, every: 3600 * second, run: () => publishLiving(living) },
  ];
}

const newsTimer = ({ name }: Notifier) => `notifier ${name}`;

/** Tells the news. That one is not heard is said once for each reason, since nobody misses what never came. */
function newsTeller({ notify, db, clock }: House, notifier: Notifier, log: Logger): () => Promise<void> {
  let said: string | undefined;
  return async () => {
    const { failed, givenUp } = await deliverDue(notify, notifier, clock.now());
    if (failed + givenUp === 0 && said === undefined) return;
    const [unheard] = await listUnheard(db, [notifier.name]);
    if (unheard !== undefined && unheard.error !== said) {
      log.warn({ error: unheard.error }, `notifier ${notifier.name} is not heard; it is tried again`);
    }
    said = unheard?.error;
  };
}

function livingDeps({ archive, clock }: House, log: Logger, signal: AbortSignal): LivingDeps {
  const onError = (suite: Suite, error: unknown) => {
    const hint = error instanceof SheafError && error.hint !== undefined ? { hint: error.hint } : {};
    log.error({ suite: suite.name, error: describeError(error), ...hint }, 'cannot publish; it is tried again');
  };
  return { archive, now: () => clock.now(), onError, signal };
}

async function tidyStorage(storage: Storage, signal: AbortSignal): Promise<void> {
  await storage.tidy({ signal });
}

/** Merges small frames, and looks for the encoders of some compressed indexes: a few minutes of one core a day at most. */
async function tidyHistory({ indexStore, compressed }: House, signal: AbortSignal): Promise<void> {
  await indexStore.compact();
  await proveCompressed(compressed, undefined, { milliseconds: 120_000, signal });
}

/** What came of it is recorded, also a refusal, and shown on the pages. */
async function follow(house: House, upstream: Upstream, log: Logger, signal: AbortSignal): Promise<void> {
  for (const report of await followUpstream(house.follow, upstream, { signal })) {
    if (report.outcome === 'unchanged') continue;
    log.info({ upstream: upstream.name, suite: report.suite, outcome: report.outcome }, report.message);
  }
}

type Port = { readonly close: () => Promise<void> };

const listenHints: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Another program uses the address: stop it, or change "listen" and "url" in sheaf.toml.',
  EACCES: 'Ports below 1024 are for root: "listen" on another one, and put a proxy before it.',
  EADDRNOTAVAIL: 'This machine does not have the address: change "listen" in sheaf.toml.',
};

async function openPort(house: House, listener: RequestListener): Promise<Port> {
  const { host, port } = house.distribution.listen;
  return new Promise((resolve, reject) => {
    const server = createServer(listener).listen(port, host, () => {
      resolve({
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeIdleConnections();
            setTimeout(() => server.closeAllConnections(), 2000).unref();
          }),
      });
    });
    server.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        new SheafError(
          error.code === 'EADDRINUSE' ? 'address-in-use' : 'cannot-listen',
          `Cannot listen on ${host}:${port}: ${error.message}`,
          {
            kind: 'environment',
            hint: listenHints[error.code ?? ''] ?? 'Change "listen" in sheaf.toml.',
            cause: error,
          },
        ),
      );
    });
  });
}
