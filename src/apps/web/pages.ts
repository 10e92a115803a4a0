/** The web pages: routes to views, frames, streams and the few plain texts beside them. */
import { randomUUID } from 'node:crypto';

import { Hono, type Context } from 'hono';
import { TrieRouter } from 'hono/router/trie-router';

import { isSha256 } from '../../kit/digest.ts';
import { describeError } from '../../kit/error.ts';
import { findEvidence, logState, readLog } from '../../tracker/mod.ts';
import { setSecurityHeaders } from './headers.ts';
import { createLive, type Live } from './live.ts';
import { addForms } from './manage/routes.ts';
import { visitorOfPage, type Visitor } from './manage/visitor.ts';
import { nameList } from './names.ts';
import { layout } from './parts/layout.ts';
import { addRebuildTexts } from './rebuild-texts.ts';
import { keyPath, repositoryPath, sourcesPath, tagBuildPath, withQuery } from './path.ts';
import type { WebDeps } from './ports.ts';
import { staticFiles } from './static.ts';
import { logStream, pageStream } from './streams.ts';
import { auditView } from './views/audit.ts';
import { binaryFilesView, binaryView } from './views/binary.ts';
import { compareView } from './views/compare.ts';
import { brokenView, notFoundView } from './views/errors.ts';
import { jobView } from './views/job.ts';
import { jobsView } from './views/jobs.ts';
import { lockView } from './views/lock.ts';
import { locksView } from './views/locks.ts';
import { copyPage, freezePage, publishPage, rollbackPage, thawPage } from './views/manage/suite.ts';
import { newQueueView, newUploadView } from './views/new.ts';
import { overviewView } from './views/overview.ts';
import { packageView, tagBuildView } from './views/package.ts';
import { packagesView } from './views/packages.ts';
import { rebuildView } from './views/rebuild.ts';
import { rebuildsView } from './views/rebuilds.ts';
import { refusalsView } from './views/refusals.ts';
import { keysOf, repositoryView } from './views/repository.ts';
import { searchView } from './views/search.ts';
import { sourceView } from './views/source.ts';
import { suitesView, suiteView } from './views/suites.ts';
import { upstreamSuiteView, upstreamView } from './views/upstream.ts';
import { upstreamsView } from './views/upstreams.ts';
import type { View, ViewContext, ViewFunction } from './views/view.ts';
import { workersView } from './views/workers.ts';

/** First parts of addresses that pages use: a repository of such a name would have no front page. */
export const reservedNames: readonly string[] = [
  'api',
  'archive',
  'audit',
  'badge',
  'binary',
  'compare',
  'events',
  'file',
  'hooks',
  'job',
  'jobs',
  'lock',
  'locks',
  'mr',
  'new',
  'package',
  'packages',
  'rebuild',
  'rebuilds',
  'refusal',
  'refusals',
  'search',
  'sign-in',
  'sign-out',
  'snapshot',
  'source',
  'static',
  'suite',
  'suites',
  'tag-build',
  'upload',
  'upstream',
  'upstreams',
  'worker',
  'workers',
];

const views: readonly (readonly [string, ViewFunction])[] = [
  ['/', overviewView],
  ['/packages', packagesView],
  ['/package/:name', packageView],
  ['/tag-build/:id', tagBuildView],
  ['/jobs', jobsView],
  ['/job/:id', jobView],
  ['/locks', locksView],
  ['/lock/:name', lockView],
  ['/rebuilds', rebuildsView],
  ['/rebuild/:id', rebuildView],
  ['/refusals', refusalsView],
  ['/suites', suitesView],
  ['/suite/:name', suiteView],
  ['/suite/:name/publish', publishPage],
  ['/suite/:name/freeze', freezePage],
  ['/suite/:name/thaw', thawPage],
  ['/suite/:name/copy', copyPage],
  ['/suite/:name/rollback/:number{[1-9][0-9]{0,8}}', rollbackPage],
  ['/new', newQueueView],
  ['/new/:id', newUploadView],
  ['/audit', auditView],
  ['/upstreams', upstreamsView],
  ['/upstream/:name', upstreamView],
  ['/upstream/:name/:suite{.+}', upstreamSuiteView],
  ['/compare', compareView],
  ['/binary/:name', binaryView],
  ['/binary/:name/files', binaryFilesView],
  ['/source/:name', sourceView],
  ['/workers', workersView],
];

export type WebPages = {
  /** Mount it last: it answers 404 with a page to whatever it does not know. */
  readonly app: Hono;
  readonly close: () => Promise<void>;
};

export function webPages(deps: WebDeps): WebPages {
  const app = new Hono();
  const live = createLive(deps.listen, deps.report);
  const routes = [
    ...views,
    ['/search', searchView(nameList(deps.db, deps.report))] as const,
    ...[...deps.distribution.repositories.values()].map(
      (repository) => [repositoryPath(repository.name), repositoryView(repository.name)] as const,
    ),
  ];
  addAptTexts(app, deps);
  for (const [path, view] of routes) app.get(path, (c) => showPage(c, deps, view));
  addEvents(app, deps, live, routes);
  addTexts(app, deps, live);
  addRebuildTexts(app, deps);
  addForms(app, deps, (c, view) => frame(c, deps, view, view.status ?? 200), { ...notFoundView, status: 404 });
  app.get('/refusal/:id', (c) => c.redirect(tagBuildPath(Number.parseInt(c.req.param('id'), 10) || 0)));
  app.route('/', staticFiles());
  app.all('*', (c) => frame(c, deps, notFoundView, 404));
  app.onError((error, c) => {
    const reference = randomUUID().slice(0, 8);
    deps.report(
      new Error(`Page ${c.req.path} broke, reference ${reference}: ${describeError(error)}`, { cause: error }),
    );
    return frame(c, deps, brokenView(reference), 500);
  });
  return { app, close: live.close };
}

async function showPage(c: Context, deps: WebDeps, view: ViewFunction): Promise<Response> {
  const visitor = await visitorOfPage(c, deps);
  const shown = await view(viewContext(deps, c.req.param(), new URL(c.req.url).searchParams, 'page', visitor));
  return shown === undefined
    ? frame(c, deps, notFoundView, 404, visitor)
    : frame(c, deps, shown, shown.status ?? 200, visitor);
}

function viewContext(
  deps: WebDeps,
  params: Readonly<Record<string, string>>,
  query: URLSearchParams,
  occasion: ViewContext['occasion'],
  visitor: Visitor | undefined,
): ViewContext {
  return { deps, now: deps.now(), params, query, occasion, visitor };
}

async function frame(
  c: Context,
  deps: WebDeps,
  view: View,
  status: NonNullable<View['status']> | 500,
  known?: Visitor,
): Promise<Response> {
  const url = new URL(c.req.url);
  // A page that breaks may break because of the database: then it is as for everybody.
  const visitor = known ?? (status === 500 ? undefined : await visitorOfPage(c, deps));
  setSecurityHeaders(c);
  c.header('Cache-Control', visitor === undefined ? 'no-cache' : 'private, no-store');
  c.header('Vary', 'Cookie');
  const page = layout(deps.distribution, {
    ...view,
    visitor,
    // Older pages of a list do not move.
    live:
      view.isLive && !url.searchParams.has('after')
        ? withQuery('/events', { page: url.pathname + url.search })
        : undefined,
  });
  return c.html(page, status);
}

/** `/events?page=ADDRESS`: that page's main part, again whenever it changes. */
function addEvents(app: Hono, deps: WebDeps, live: Live, routes: readonly (readonly [string, ViewFunction])[]): void {
  const router = new TrieRouter<ViewFunction>();
  for (const [path, view] of routes) router.add('GET', path, view);
  app.get('/events', async (c) => {
    const page = c.req.query('page') ?? '';
    const url = page.startsWith('/') && page.length <= 500 ? URL.parse(page, 'http://localhost') : null;
    const [found] = url === null || url.host !== 'localhost' ? [] : router.match('GET', url.pathname)[0];
    if (url === null || found === undefined) return c.text('No such page\n', 404);
    const [view, raw] = found as unknown as readonly [ViewFunction, Readonly<Record<string, string>>];
    const params = Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, safeDecode(value)]));
    const render = async () => {
      // Asked each time: what somebody may is not what they might when the page was opened.
      const visitor = await visitorOfPage(c, deps);
      const shown = await view(viewContext(deps, params, url.searchParams, 'update', visitor));
      return shown === undefined ? undefined : String(await shown.body);
    };
    // One rendering for everybody, and one for each session.
    const session = (await visitorOfPage(c, deps))?.access.id ?? '';
    return pageStream(c, live, `${session} ${url.pathname}${url.search}`, render);
  });
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function addTexts(app: Hono, deps: WebDeps, live: Live): void {
  app.get('/job/:id{[0-9]{1,15}}/log/events', (c) => {
    const [job, attempt] = [Number(c.req.param('id')), Number(c.req.query('attempt'))];
    const from = c.req.header('Last-Event-ID') ?? c.req.query('from') ?? '';
    if (!Number.isSafeInteger(attempt)) return c.text('Which attempt? Add ?attempt=1\n', 400);
    return logStream(c, deps.db, live, { job, attempt, from: /^\d{1,15}$/.test(from) ? Number(from) : undefined });
  });
  app.get('/job/:id{[0-9]{1,15}}/log.txt', async (c) => {
    const [job, attempt] = [Number(c.req.param('id')), Number(c.req.query('attempt') ?? '1')];
    const state = Number.isSafeInteger(attempt) ? await logState(deps.db, job, attempt) : undefined;
    if (state === undefined) return frame(c, deps, notFoundView, 404);
    setSecurityHeaders(c);
    c.header('Content-Type', 'text/plain; charset=utf-8');
    c.header('Cache-Control', state.finished ? 'public, max-age=3600' : 'no-cache');
    return c.body(ReadableStream.from(readLog(deps.db, job, attempt, 0, state.size)));
  });
  app.get('/job/:id{[0-9]{1,15}}/evidence/:sha256', async (c) => {
    const digest = c.req.param('sha256');
    const name = isSha256(digest) ? await findEvidence(deps.db, Number(c.req.param('id')), digest) : undefined;
    const info = name !== undefined && isSha256(digest) ? await deps.blobs.info(digest) : undefined;
    if (name === undefined || info === undefined || !isSha256(digest)) return frame(c, deps, notFoundView, 404);
    setSecurityHeaders(c);
    c.header('Content-Type', name.endsWith('.json') ? 'application/json' : 'text/plain; charset=utf-8');
    c.header('Content-Length', String(info.size));
    c.header('Content-Disposition', `inline; filename="${name.replaceAll(/[^\w.+~-]/g, '_')}"`);
    c.header('Cache-Control', 'public, max-age=31536000, immutable');
    return c.body(ReadableStream.from(deps.blobs.stream(digest)));
  });
}

/** What apt is given to know a suite: its stanza as a file, and the keys of its repository. */
function addAptTexts(app: Hono, deps: WebDeps): void {
  for (const suite of deps.distribution.suites.values()) {
    app.get(sourcesPath(suite.name), async (c) => {
      const keys = await keysOf(deps.archive, suite.repository);
      return keys.length === 0 ? frame(c, deps, notFoundView, 404) : text(c, await deps.archive.aptSources(suite.name));
    });
    app.get(keyPath(suite.name), async (c) => {
      const keys = await keysOf(deps.archive, suite.repository);
      if (keys.length === 0) return frame(c, deps, notFoundView, 404);
      return text(c, `${(await deps.archive.publicKey(suite.repository)).trim()}\n`);
    });
  }
  for (const repository of deps.distribution.repositories.keys()) {
    const base = repositoryPath(repository);
    app.get(base.slice(0, -1), (c) => c.redirect(base, 301));
  }
}

function text(c: Context, body: string): Response {
  setSecurityHeaders(c);
  c.header('Cache-Control', 'no-cache');
  return c.text(body);
}
