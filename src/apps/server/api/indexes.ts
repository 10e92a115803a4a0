/** Indexes as they stood in a snapshot, byte for byte, through the API. */
import { createHash } from 'node:crypto';

import { createRoute } from '@hono/zod-openapi';

import { indexesAt, locate, type HistoryDeps } from '../../../history/mod.ts';
import type { Sha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import { pageOf } from '../api-schemas.ts';
import * as schemas from './history-schemas.ts';
import { get, invalid, json, missing, notFound, plain, text, toIndex, type Api, type ApiDeps } from './shared.ts';

/** Pieces read at once: some megabytes of memory for each reader, whatever the index's size. */
const piecesAtOnce = 2000;

export function addIndexes(api: Api, { db, distribution, history, report }: ApiDeps): void {
  api.openapi(
    createRoute(
      get('/indexes', 'Indexes of a snapshot', {
        request: { query: schemas.placeQuery },
        responses: { 200: json(pageOf(schemas.indexSchema), 'All of them.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const ref = await locate({ db, distribution }, c.req.valid('query').place);
      const indexes = await indexesAt(db, ref);
      return c.json({ items: plain(indexes.map(toIndex)) }, 200);
    },
  );
  api.openapi(
    createRoute(
      get('/index', 'The bytes of an index, uncompressed', {
        request: { query: schemas.indexQuery },
        responses: { 200: text, 304: { description: 'As it was.' }, 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { place, path } = c.req.valid('query');
      const ref = await locate({ db, distribution }, place);
      const index = (await indexesAt(db, ref)).find((each) => each.path === path);
      if (index === undefined) return notFound(c, `index ${path} in ${place}`);
      const etag = `"${index.sha256}"`;
      c.header('ETag', etag);
      c.header('Cache-Control', isExact(place) ? 'public, max-age=31536000, immutable' : 'no-cache');
      if (
        c.req
          .header('If-None-Match')
          ?.split(/\s*,\s*/)
          .includes(etag) === true
      )
        return c.body(null, 304);
      c.header('Content-Length', String(index.size));
      c.header('Content-Type', 'text/plain; charset=utf-8');
      c.header('Content-Disposition', `attachment; filename="${index.path.replaceAll(/[^\w.+~-]/g, '_')}"`);
      c.header('X-Content-Type-Options', 'nosniff');
      c.header('X-Snapshot', ref.snapshotId);
      return c.body(ReadableStream.from(readIndex(history, index.sha256, report)), 200) as never;
    },
  );
}

/** A place that always means the same snapshot. */
function isExact(place: string): boolean {
  return /@(?:\d{8}T\d{6}Z|\d{1,15})$/.test(place);
}

/**
 * The last bytes are given out only when the hash of all is right: a reader never takes a damaged index for whole.
 * Throws `index-corrupt`, and tells `report`.
 */
async function* readIndex(
  { store }: HistoryDeps,
  sha256: Sha256,
  report: (error: unknown) => void,
): AsyncGenerator<Uint8Array> {
  try {
    const numbers = await store.pieces(sha256);
    const hash = createHash('sha256');
    let held: Uint8Array | undefined;
    for (let at = 0; at < numbers.length; at += piecesAtOnce) {
      const bytes = Buffer.concat(await store.readPieces(numbers.subarray(at, at + piecesAtOnce)));
      hash.update(bytes);
      if (held !== undefined) yield held;
      held = bytes;
    }
    if (hash.digest('hex') !== sha256) {
      throw new SheafError('index-corrupt', `Cannot give out index ${sha256}: its bytes have another hash`);
    }
    if (held !== undefined) yield held;
  } catch (error) {
    report(error);
    throw error;
  }
}
