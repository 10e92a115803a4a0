/** What rebuilds leave beside their pages: the blobs of a result as text, and badges. */
import type { Hono } from 'hono';

import { isSha256 } from '../../kit/digest.ts';
import { believedRebuilders, countPlaces, findRebuilds } from '../../rebuild/mod.ts';
import { rebuildBadge } from './badge.ts';
import { setSecurityHeaders } from './headers.ts';
import type { WebDeps } from './ports.ts';

export function addRebuildTexts(app: Hono, { db, distribution, blobs }: WebDeps): void {
  app.get('/rebuild/:id{[1-9][0-9]{0,14}}/blob/:sha256', async (c, next) => {
    const digest = c.req.param('sha256');
    const [rebuild] = await findRebuilds(db, { id: Number(c.req.param('id')) });
    // What another rebuilder names is not given out: it could name any blob of ours.
    if (rebuild?.origin !== 'own' || !isSha256(digest)) return next();
    const { log, difference, diffoscope, buildinfo } = rebuild.result;
    const isNamed = [log, difference, diffoscope, buildinfo].includes(digest);
    const info = isNamed ? await blobs.info(digest) : undefined;
    if (info === undefined) return next();
    setSecurityHeaders(c);
    c.header('Content-Type', 'text/plain; charset=utf-8');
    c.header('Content-Length', String(info.size));
    c.header('Cache-Control', 'public, max-age=31536000, immutable');
    return c.body(ReadableStream.from(blobs.stream(digest)));
  });
  app.get('/badge/rebuild/:rest{.+}', async (c, next) => {
    const match = /^([^/]+(?:\/[^/]+)?)\/([a-z0-9-]+)\.svg$/.exec(c.req.param('rest'));
    if (match === null) return next();
    const [, place, architecture] = match;
    const places = await countPlaces(db, [...distribution.suites.keys()], believedRebuilders(distribution));
    const found = places.find((each) => each.place === place && each.architecture === architecture);
    setSecurityHeaders(c);
    c.header('Content-Type', 'image/svg+xml');
    c.header('Cache-Control', 'public, max-age=300');
    return c.body(rebuildBadge(found?.counts), found === undefined ? 404 : 200);
  });
}
