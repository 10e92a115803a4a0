/** What differs between two snapshots, through the API. */
import { createRoute } from '@hono/zod-openapi';

import * as schemas from './history-schemas.ts';
import { get, invalid, json, missing, plain, type Api, type ApiDeps } from './shared.ts';

const defaultLimit = 200;

export function addComparison(api: Api, { compare }: ApiDeps): void {
  api.openapi(
    createRoute(
      get('/compare', 'What differs between two places, by source package', {
        request: { query: schemas.compareQuery },
        responses: { 200: json(schemas.comparisonSchema, 'A page of the comparison.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { a, b, limit = defaultLimit, ...options } = c.req.valid('query');
      return c.json(plain(await compare(a, b, { ...options, limit, changelogs: false })), 200);
    },
  );
}
