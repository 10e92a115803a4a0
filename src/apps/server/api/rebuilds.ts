/** Rebuilds: the status of published files, what was said of each, and statements of others. */
import { createRoute } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';

import { parseSha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import {
  believedRebuilders,
  countPlaces,
  findRebuilds,
  listStatuses,
  listTasks,
  viewStatuses,
  viewTask,
} from '../../../rebuild/mod.ts';
import * as schemas from '../api-schemas.ts';
import * as shapes from './rebuild-schemas.ts';
import {
  apiError,
  get,
  invalid,
  json,
  missing,
  notFound,
  plain,
  textBody,
  text,
  type Api,
  type ApiDeps,
} from './shared.ts';

/** A statement of a thousand files with all they say. */
const largestStatement = 4 * 2 ** 20;
const tooLarge = apiError('too-large', `Cannot read the statement: it is larger than ${largestStatement} bytes`);
/** Known by the statement that it holds, and by nothing else. */
const refused = new Set(['bad-envelope', 'bad-statement', 'bad-rebuild']);

export function addRebuilds(api: Api, deps: ApiDeps): void {
  const { db, distribution, blobs } = deps;
  const believed = believedRebuilders(distribution);
  api.openapi(
    createRoute(
      get('/rebuilds', 'Published files and the verdict on each, by package name', {
        request: { query: schemas.pageQuery.extend(shapes.rebuildFilters.shape) },
        responses: { 200: json(schemas.pageOf(shapes.rebuildFileSchema), 'A page of files.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { after, limit = 50, disputed, ...filters } = c.req.valid('query');
      const rows = await listStatuses(db, { ...filters, disputed: disputed === 'true' }, believed, {
        after,
        limit: limit + 1,
      });
      const shown = rows.slice(0, limit);
      const next = rows.length > limit ? shown.at(-1)!.key : undefined;
      return c.json(plain({ items: await viewStatuses(db, shown, believed), next }), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/rebuilds/counts', 'How many published files were reproduced, by place and architecture', {
        responses: { 200: json(schemas.pageOf(shapes.placeCountsSchema), 'All places.') },
      }),
    ),
    async (c) => {
      return c.json({ items: plain(await countPlaces(db, [...distribution.suites.keys()], believed)) }, 200);
    },
  );
  api.openapi(
    createRoute(
      get('/rebuilds/tasks', 'Rebuilds that workers are still to make, in their order, and why each waits', {
        request: { query: shapes.taskFilters },
        responses: { 200: json(schemas.pageOf(shapes.taskSchema), 'Those that wait or run.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { limit, ...filters } = c.req.valid('query');
      return c.json({ items: plain((await listTasks(db, filters, limit)).map(viewTask)) }, 200);
    },
  );
  api.openapi(
    createRoute(
      get('/rebuilds/tasks/{id}', 'A rebuild that was asked for, ended or not', {
        request: { params: schemas.idParam },
        responses: { 200: json(shapes.taskSchema, 'The task.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      const [found] = await listTasks(db, { ids: [id] });
      return found === undefined ? notFound(c, `rebuild task ${id}`) : c.json(plain(viewTask(found)), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/rebuilds/about/{sha256}', 'Rebuilds of a file, or that name a blob, newest first', {
        request: { params: schemas.digestParam },
        responses: { 200: json(schemas.pageOf(shapes.rebuildSchema), 'Empty when there is none.'), 400: invalid },
      }),
    ),
    async (c) => c.json({ items: plain(await findRebuilds(db, { sha256: c.req.valid('param').sha256 })) }, 200),
  );
  api.openapi(
    createRoute(
      get('/rebuilds/statements/{sha256}', 'A signed statement of a rebuild: a DSSE envelope', {
        request: { params: schemas.digestParam },
        responses: { 200: text, 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { sha256 } = c.req.valid('param');
      const [found] = await findRebuilds(db, { sha256 });
      if (found?.statement !== sha256) return notFound(c, `statement ${sha256}`);
      return textBody(c, ReadableStream.from(blobs.stream(parseSha256(sha256))));
    },
  );
  api.openapi(
    createRoute(
      get('/rebuilds/{id}', 'One rebuild: its files, causes and experiments', {
        request: { params: schemas.idParam },
        responses: { 200: json(shapes.rebuildSchema, 'The rebuild.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      const [found] = await findRebuilds(db, { id });
      return found === undefined ? notFound(c, `rebuild ${id}`) : c.json(plain(found), 200);
    },
  );
  addStatements(api, deps);
}

/** Whoever signed it may send it, and anybody may bring it. */
function addStatements(api: Api, { actions }: ApiDeps): void {
  api.use(
    '/api/v1/rebuilds/statements',
    bodyLimit({ maxSize: largestStatement, onError: (c) => c.json(tooLarge, 413) }),
  );
  api.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/rebuilds/statements',
      summary: 'Take a statement of a rebuilder that sheaf.toml names; its signature is the permission',
      request: { body: { content: { 'application/json': { schema: shapes.envelopeSchema } }, required: true } },
      responses: {
        200: json(shapes.acceptedSchema, 'It is recorded, now or before.'),
        400: invalid,
        403: json(schemas.errorSchema, 'The statement is refused.'),
        413: json(schemas.errorSchema, 'The statement is too large.'),
        415: json(schemas.errorSchema, 'It is no JSON document, by its Content-Type.'),
      },
    }),
    async (c) => {
      try {
        const { id, rebuilder } = await actions.acceptRebuild(await c.req.text(), {});
        return c.json({ rebuild: id, rebuilder }, 200);
      } catch (error) {
        if (!(error instanceof SheafError) || error.kind !== 'refused') throw error;
        return c.json(apiError(error.code, error.message, error.hint), refused.has(error.code) ? 400 : 403);
      }
    },
  );
}
