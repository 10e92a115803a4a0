/** The few static files of the pages: read once at start, named with their hash, cached for ever by browsers. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { Hono } from 'hono';

import { sha256 } from '../../kit/digest.ts';

const require = createRequire(import.meta.url);
const own = (name: string) => join(import.meta.dirname, 'static', name);

const script = 'text/javascript; charset=utf-8';

/** Each from one file or several, one after the other. */
const files = {
  'sheaf.css': [[own('sheaf.css')], 'text/css; charset=utf-8'],
  'sheaf.js': [[own('sheaf.js')], script],
  'sheaf.svg': [[own('sheaf.svg')], 'image/svg+xml'],
  // One script: htmx starts with the next task, and an extension that comes later is never asked.
  'htmx.js': [
    [require.resolve('htmx.org/dist/htmx.min.js'), require.resolve('htmx.org/dist/ext/hx-sse.min.js')],
    script,
  ],
} as const;

export type AssetName = keyof typeof files;

const assets = new Map(
  Object.entries(files).map(([name, [paths, type]]) => {
    const bytes = new TextEncoder().encode(paths.map((path) => readFileSync(path, 'utf8')).join('\n'));
    return [name, { bytes, type, version: sha256(bytes).slice(0, 12) }];
  }),
);

export function assetPath(name: AssetName): string {
  return `/static/${name}?v=${assets.get(name)!.version}`;
}

export function staticFiles(): Hono {
  const app = new Hono();
  app.get('/static/:name', (c, next) => {
    const asset = assets.get(c.req.param('name'));
    if (asset === undefined) return next();
    c.header('Content-Type', asset.type);
    const isPinned = c.req.query('v') === asset.version;
    c.header('Cache-Control', isPinned ? 'public, max-age=31536000, immutable' : 'no-cache');
    return c.body(asset.bytes);
  });
  return app;
}
