/** The JSON API under /api/v1: the same read models as the web pages, and an OpenAPI document of it. */
import { createRoute, OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';

import { isSha256 } from '../../kit/digest.ts';
import { SheafError } from '../../kit/error.ts';
import * as tracker from '../../tracker/mod.ts';
import * as schemas from './api-schemas.ts';
import { bearerOf } from './api/bearer.ts';
import { addCatalogue } from './api/catalogue.ts';
import { addComparison } from './api/comparison.ts';
import { addHistory } from './api/history.ts';
import { addIndexes } from './api/indexes.ts';
import { addLocks } from './api/locks.ts';
import { addManagement } from './api/management.ts';
import { addNew } from './api/new.ts';
import { addRebuilds } from './api/rebuilds.ts';
import { apiError, get, invalid, json, missing, notFound, plain, text, textBody, type ApiDeps } from './api/shared.ts';

const mostBytes = 64 * 1024;
const tooLarge = apiError('too-large', `Cannot read the request: it is larger than ${mostBytes} bytes`);
const asJson = 'Send one JSON document, with Content-Type: application/json.';
const notThere = new Set(['unknown-place', 'no-snapshot', 'not-in-suite', 'unknown-suite', 'no-upload']);

export { apiError, type ApiDeps } from './api/shared.ts';

/** GET changes nothing; what changes something is POST, with a token of somebody who may. */
export function jsonApi(deps: ApiDeps): OpenAPIHono {
  const { db, distribution } = deps;
  const api = new OpenAPIHono({
    defaultHook: (result, c) => {
      if (result.success) return undefined;
      const [issue] = result.error.issues;
      return c.json(
        apiError('bad-request', `Cannot read ${issue?.path.join('.') ?? 'the request'}: ${issue?.message ?? ''}`),
        400,
      );
    },
  });

  api.openapi(
    createRoute(get('/status', 'What is moving now', { responses: { 200: json(schemas.statusSchema, 'Now.') } })),
    async (c) => c.json(plain(await tracker.overview(db, deps.now())), 200),
  );
  addTagBuilds(api, deps);
  addPackages(api, deps);
  addJobs(api, deps);
  addSuites(api, deps);
  addHistory(api, deps);
  addIndexes(api, deps);
  addCatalogue(api, deps);
  addComparison(api, deps);
  addLocks(api, deps);
  addRebuilds(api, deps);
  api.use('/api/v1/*', bodyLimit({ maxSize: mostBytes, onError: (c) => c.json(tooLarge, 413) }));
  api.use('/api/v1/*', async (c, next) => {
    // Nothing is as good as {}: many clients call every request JSON.
    if (c.req.method === 'POST' && (await c.req.text()) === '') c.req.bodyCache.text = Promise.resolve('{}') as never;
    await next();
  });
  const who = bearerOf(deps);
  addNew(api, deps, who);
  addManagement(api, deps, who);
  api.openapi(
    createRoute(
      get('/workers', 'Workers, by name', {
        responses: { 200: json(schemas.pageOf(schemas.workerSchema), 'All workers.') },
      }),
    ),
    async (c) => c.json({ items: plain(await tracker.listWorkers(db, deps.now())) }, 200),
  );
  api.openapi(
    createRoute(
      get('/events', 'What happened, newest first', {
        request: { query: schemas.numberPageQuery.extend(schemas.eventFilters) },
        responses: { 200: json(schemas.pageOf(schemas.eventSchema), 'A page of events.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { after, limit, ...filters } = c.req.valid('query');
      return c.json(plain(await tracker.listEvents(db, filters, { after, limit })), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/statements/{sha256}', 'Signed statements about a file, or the subjects of one envelope', {
        request: { params: schemas.digestParam },
        responses: {
          200: json(schemas.pageOf(schemas.statementSchema), 'Empty when nothing was stated.'),
          400: invalid,
        },
      }),
    ),
    async (c) => c.json({ items: plain(await tracker.listStatements(db, c.req.valid('param').sha256)) }, 200),
  );
  api.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  api.doc31('/api/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: `${distribution.title}: Sheaf's API`,
      version: '1',
      description:
        'What changes something is POST and asks for a token (sheaf web token). Lists are paged: ask again with `after` set to the `next` of the page before. Errors are ' +
        '`{error: {code, message, hint}}` with stable codes.',
    },
    servers: [{ url: distribution.url }],
  });
  api.all('/api/*', (c) =>
    c.json(apiError('not-found', `There is nothing at ${c.req.method} ${c.req.path}`, 'See /api/openapi.json.'), 404),
  );
  api.onError((error, c) => {
    if (error instanceof SheafError && error.code === 'already-decided')
      return c.json(apiError(error.code, error.message, error.hint), 409);
    if (
      error instanceof SheafError &&
      (notThere.has(error.code) || error.code === 'bad-name' || error.kind === 'usage')
    )
      return c.json(apiError(error.code, error.message, error.hint), notThere.has(error.code) ? 404 : 400);
    // A body that is no JSON, or is not called so.
    if (error instanceof HTTPException && error.status < 500)
      return c.json(apiError('bad-request', `Cannot read the request: ${error.message}`, asJson), error.status);
    deps.report(error);
    return c.json(
      apiError('internal', 'Cannot answer: the fault is the server’s', 'Its log says more; ask again in a moment.'),
      500,
    );
  });
  return api;
}

function addTagBuilds(api: OpenAPIHono, { db, countLocked }: ApiDeps): void {
  api.openapi(
    createRoute(
      get('/tag-builds', 'Tag builds, newest first', {
        request: { query: schemas.numberPageQuery.extend(schemas.tagBuildFilters) },
        responses: { 200: json(schemas.pageOf(schemas.tagBuildSchema), 'A page of tag builds.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { after, limit, source, state } = c.req.valid('query');
      const filters = { source, states: state === undefined ? undefined : [state] };
      return c.json(plain(await tracker.listTagBuilds(db, filters, { after, limit })), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/tag-builds/{id}', 'One tag build with all reasons of a refusal and every step', {
        request: { params: schemas.idParam },
        responses: { 200: json(schemas.timelineSchema, 'The tag build.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      const found = await tracker.tagBuildTimeline(db, id, countLocked);
      if (found === undefined) return notFound(c, `tag build ${id}`);
      return c.json(plain(found), 200);
    },
  );
}

function addPackages(api: OpenAPIHono, { db, distribution, countLocked }: ApiDeps): void {
  api.openapi(
    createRoute(
      get('/packages', 'Source packages by name, with one state for each suite and architecture', {
        request: { query: schemas.pageQuery.extend(schemas.packageFilters) },
        responses: { 200: json(schemas.pageOf(schemas.packageListItemSchema), 'A page of packages.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { after, limit, contains } = c.req.valid('query');
      return c.json(
        plain(await tracker.listPackages(db, distribution.suites, { part: contains }, { after, limit })),
        200,
      );
    },
  );
  api.openapi(
    createRoute(
      get('/packages/{name}', 'One source package: its states and its whole way', {
        request: { params: schemas.nameParam, query: schemas.numberPageQuery },
        responses: { 200: json(schemas.packageSchema, 'The package.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { name } = c.req.valid('param');
      const [statuses, tagBuilds] = await Promise.all([
        tracker.packageStatuses(db, distribution.suites, [name]),
        tracker.packageTimeline(db, name, countLocked, c.req.valid('query')),
      ]);
      if (statuses.length === 0 && tagBuilds.items.length === 0) return notFound(c, `package ${name}`);
      return c.json(plain({ source: name, statuses, tagBuilds }), 200);
    },
  );
}

function addJobs(api: OpenAPIHono, { db, blobs }: ApiDeps): void {
  api.openapi(
    createRoute(
      get('/jobs', 'Jobs, newest first', {
        request: { query: schemas.numberPageQuery.extend(schemas.jobFilters) },
        responses: { 200: json(schemas.pageOf(schemas.jobSchema), 'A page of jobs.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { after, limit, ...filters } = c.req.valid('query');
      return c.json(plain(await tracker.listJobs(db, filters, { after, limit })), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/jobs/{id}', 'One job with its attempts, inputs and results', {
        request: { params: schemas.idParam },
        responses: { 200: json(schemas.jobDetailSchema, 'The job.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      const found = await tracker.showJob(db, id);
      if (found === undefined) return notFound(c, `job ${id}`);
      return c.json(plain(found), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/jobs/{id}/log', "An attempt's log as it came, from a byte position on", {
        request: { params: schemas.idParam, query: schemas.logQuery },
        responses: { 200: text, 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      const { attempt, from } = c.req.valid('query');
      const number = attempt ?? (await tracker.showJob(db, id))?.attempt ?? 1;
      const state = await tracker.logState(db, id, number);
      if (state === undefined) return notFound(c, `log of attempt ${number} at job ${id}`);
      c.header('X-Log-Size', String(state.size));
      c.header('X-Log-Finished', String(state.finished));
      return textBody(c, ReadableStream.from(tracker.readLog(db, id, number, from ?? 0, state.size)));
    },
  );
  api.openapi(
    createRoute(
      get('/jobs/{id}/evidence/{sha256}', 'A lock, signed provenance, .buildinfo, .changes or .dsc of a job', {
        request: { params: schemas.idParam.extend(schemas.digestParam.shape) },
        responses: { 200: text, 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { id, sha256 } = c.req.valid('param');
      const name = await tracker.findEvidence(db, id, sha256);
      if (name === undefined || !isSha256(sha256) || (await blobs.info(sha256)) === undefined) {
        return notFound(c, `evidence ${sha256} at job ${id}`);
      }
      c.header('Content-Disposition', `inline; filename="${name.replaceAll(/[^\w.+~-]/g, '_')}"`);
      return textBody(c, ReadableStream.from(blobs.stream(sha256)));
    },
  );
}

function addSuites(api: OpenAPIHono, { db, distribution, now }: ApiDeps): void {
  const find = (name: string) => [...distribution.suites.values()].filter((suite) => suite.name === name);
  api.openapi(
    createRoute(
      get('/suites', 'Suites, in the order of sheaf.toml', {
        responses: { 200: json(schemas.pageOf(schemas.suiteSchema), 'All suites.') },
      }),
    ),
    async (c) => c.json({ items: plain(await tracker.listSuites(db, distribution.suites.values(), now())) }, 200),
  );
  api.openapi(
    createRoute(
      get('/suites/{name}', 'One suite and the packages in it, by name', {
        request: { params: schemas.nameParam, query: schemas.pageQuery },
        responses: { 200: json(schemas.suiteDetailSchema, 'The suite.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { name } = c.req.valid('param');
      const [suite] = await tracker.listSuites(db, find(name), now());
      if (suite === undefined) return notFound(c, `suite ${name}`);
      return c.json(
        plain({ ...suite, packages: await tracker.listSuitePackages(db, suite, c.req.valid('query')) }),
        200,
      );
    },
  );
  api.openapi(
    createRoute(
      get('/suites/{name}/snapshots', 'Snapshots of a suite, newest first', {
        request: { params: schemas.nameParam, query: schemas.numberPageQuery },
        responses: {
          200: json(schemas.pageOf(schemas.snapshotSchema), 'A page of snapshots.'),
          400: invalid,
          404: missing,
        },
      }),
    ),
    async (c) => {
      const { name } = c.req.valid('param');
      if (find(name).length === 0) return notFound(c, `suite ${name}`);
      return c.json(plain(await tracker.listSnapshots(db, name, c.req.valid('query'))), 200);
    },
  );
}
