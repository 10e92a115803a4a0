/** Environments of builds, through the API: which there are, what is in one, what uses it and how two differ. */
import { createRoute } from '@hono/zod-openapi';

import { compareLocks } from '../../../flows/compare-locks.ts';
import type { LockedPackage } from '../../../model/lock.ts';
import { downloadSize, listKeptLocks, readKeptLock } from '../../kept-locks.ts';
import { digestParam, pageOf, numberPageQuery } from '../api-schemas.ts';
import * as schemas from './lock-schemas.ts';
import { get, invalid, json, missing, notFound, plain, type Api, type ApiDeps } from './shared.ts';

const defaultLimit = 25;

export function addLocks(api: Api, deps: ApiDeps): void {
  api.openapi(
    createRoute(
      get('/locks', 'Environments of builds, those used last first', {
        request: { query: numberPageQuery },
        responses: { 200: json(pageOf(schemas.lockUseSchema), 'A page of locks.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { after, limit = defaultLimit } = c.req.valid('query');
      return c.json(plain(await listKeptLocks(deps, { after, limit })), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/locks/{sha256}', 'One lock: its packages, who vouches for them, and what uses it', {
        request: { params: digestParam },
        responses: { 200: json(schemas.lockSchema, 'The lock.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { sha256 } = c.req.valid('param');
      const { lock, jobs } = (await readKeptLock(deps, sha256)) ?? {};
      if (lock === undefined || jobs === undefined) return notFound(c, `lock ${sha256}`);
      const { architecture, request, sources } = lock;
      const packages = lock.packages.map(toPackage);
      return c.json(plain({ sha256, architecture, size: downloadSize(lock), request, sources, packages, jobs }), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/locks/{sha256}/changes', 'What differs from another lock, by source package', {
        request: { params: digestParam, query: schemas.fromQuery },
        responses: { 200: json(schemas.lockComparisonSchema, 'The difference.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { sha256: right } = c.req.valid('param');
      const { from: left } = c.req.valid('query');
      const [old, now] = [await readKeptLock(deps, left, 1), await readKeptLock(deps, right, 1)];
      if (old?.lock === undefined) return notFound(c, `lock ${left}`);
      if (now?.lock === undefined) return notFound(c, `lock ${right}`);
      return c.json(plain({ left, right, ...(await compareLocks([old.lock], [now.lock])) }), 200);
    },
  );
}

/** Without the fields of its index, which are most of a lock. */
function toPackage({ name, version, architecture, sha256, size, url }: LockedPackage) {
  return { name, version, architecture, sha256, size, url };
}
