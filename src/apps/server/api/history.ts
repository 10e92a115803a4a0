/** Upstreams and the snapshots of all suites, through the API. */
import { createRoute } from '@hono/zod-openapi';

import {
  findSnapshot,
  indexesAt,
  listAlarms,
  listSnapshots,
  listTrackedSuites,
  locate,
  previousSnapshot,
} from '../../../history/mod.ts';
import { SheafError } from '../../../kit/error.ts';
import { listChecks } from '../../../sync/mod.ts';
import { followedUpstreams, type FollowedUpstream } from '../../web/mod.ts';
import { nameParam, pageOf } from '../api-schemas.ts';
import * as schemas from './history-schemas.ts';
import { get, invalid, json, missing, notFound, plain, toIndex, type Api, type ApiDeps } from './shared.ts';

const defaultLimit = 50;

export function addHistory(api: Api, { db, distribution }: ApiDeps): void {
  api.openapi(
    createRoute(
      get('/upstreams', 'Upstreams with their suites, and the last look at each', {
        responses: { 200: json(pageOf(schemas.upstreamSchema), 'All upstreams.') },
      }),
    ),
    async (c) => c.json({ items: plain((await followedUpstreams({ db, distribution })).map(upstreamOf)) }, 200),
  );
  api.openapi(
    createRoute(
      get('/upstreams/{name}', 'One upstream', {
        request: { params: nameParam },
        responses: { 200: json(schemas.upstreamSchema, 'The upstream.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { name } = c.req.valid('param');
      const [found] = await followedUpstreams({ db, distribution }, name);
      return found === undefined ? notFound(c, `upstream ${name}`) : c.json(plain(upstreamOf(found)), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/upstreams/{name}/checks', 'The last looks at an upstream, newest first', {
        request: { params: nameParam, query: schemas.checksQuery },
        responses: { 200: json(pageOf(schemas.checkSchema), 'The looks.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { suite, limit = defaultLimit } = c.req.valid('query');
      const upstream = c.req.valid('param').name;
      return c.json({ items: plain(await listChecks(db, { upstream, suite, limit })) }, 200);
    },
  );
  api.openapi(
    createRoute(
      get('/tracked-suites', 'Every suite whose indexes are kept, ours and upstreams’', {
        responses: { 200: json(pageOf(schemas.trackedSuiteSchema), 'All of them.') },
      }),
    ),
    async (c) => c.json({ items: plain(await listTrackedSuites(db)) }, 200),
  );
  api.openapi(
    createRoute(
      get('/snapshots', 'Snapshots of a suite that are kept, newest first', {
        request: { query: schemas.snapshotsQuery },
        responses: { 200: json(pageOf(schemas.historySnapshotSchema), 'A page of them.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { place, after, limit = defaultLimit } = c.req.valid('query');
      const ref = await locate({ db, distribution }, place);
      const rows = await listSnapshots(db, ref, {
        ...(after === undefined ? {} : { before: after }),
        limit: limit + 1,
      });
      const items = rows.slice(0, limit);
      return c.json(plain({ items, next: rows.length > limit ? items.at(-1)?.snapshotId : undefined }), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/snapshot', 'One snapshot: what it changed, and its indexes', {
        request: { query: schemas.placeQuery },
        responses: { 200: json(schemas.snapshotDetailSchema, 'The snapshot.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { place } = c.req.valid('query');
      const ref = await locate({ db, distribution }, place);
      const [found, previous, indexes] = await Promise.all([
        findSnapshot(db, ref, ref.snapshotId),
        previousSnapshot(db, ref),
        indexesAt(db, ref),
      ]);
      if (found === undefined) throw new SheafError('unknown-place', `Cannot find "${place}"`, { kind: 'usage' });
      return c.json(plain({ ...found, previous: previous?.snapshotId, indexes: indexes.map(toIndex) }), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/alarms', 'Package versions that had two contents, newest first', {
        request: { query: schemas.alarmsQuery },
        responses: { 200: json(pageOf(schemas.alarmSchema), 'The alarms.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { origin, limit = defaultLimit } = c.req.valid('query');
      return c.json(
        { items: plain(await listAlarms(db, { ...(origin === undefined ? {} : { origin }), limit })) },
        200,
      );
    },
  );
}

function upstreamOf({ name, settings, suites }: FollowedUpstream) {
  if (settings === undefined) return { name, suites };
  const { url, components, architectures, sources, contents } = settings;
  return { name, url, components, architectures, sources, contents, suites };
}
