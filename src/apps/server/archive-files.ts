/**
 * The published trees as plain files over HTTP: `/REPOSITORY/…` as it is now, `/snapshot/SUITE@ID/…` and
 * `/snapshot/SUITE@NUMBER/…` one suite as it was, `/archive/REPOSITORY/ID/…` a whole repository as it was. Whatever is
 * not theirs goes on to the next handler.
 */
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';

import type { Distribution } from '../../model/distribution.ts';
import { fileResponse } from './archive-files/file-response.ts';
import { listing, readNames } from './archive-files/listing.ts';
import { locate, type Place } from './archive-files/locate.ts';
import { Moments } from './archive-files/moments.ts';
import { ArchiveFolder } from './archive-files/open-file.ts';

export type ArchiveFilesDeps = {
  readonly distribution: Pick<Distribution, 'repositories' | 'suites'>;
  /** The folder that holds one archive tree for each repository. */
  readonly directory: string;
  readonly now?: () => Date;
};

/**
 * Mount it before the pages: a request for a folder `/REPOSITORY/` itself is passed on, so that a front page can answer
 * it; all others below a repository are answered here.
 */
export function archiveFiles(deps: ArchiveFilesDeps): Hono {
  const folder = new ArchiveFolder(deps.directory);
  const places = { now: () => new Date(), ...deps, moments: new Moments() };
  const app = new Hono();
  app.on(['GET', 'HEAD'], '/*', async (context, next) => {
    const url = pathOf(context.req.url);
    const place = await locate(places, url);
    if (place === undefined) return next();
    const { outgoing } = (context.env ?? {}) as Partial<HttpBindings>;
    return (
      (await respond(folder, place, url, { request: context.req.raw, outgoing })) ?? context.text('Not found\n', 404)
    );
  });
  return app;
}

/** As it was sent: what leads upwards is refused and not tidied up. */
function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3);
  const query = url.slice(start).search(/[?#]/);
  return query === -1 ? url.slice(start) : url.slice(start, start + query);
}

/** Undefined when there is nothing. */
async function respond(
  folder: ArchiveFolder,
  place: Place,
  url: string,
  { request, outgoing }: { readonly request: Request; readonly outgoing: HttpBindings['outgoing'] | undefined },
): Promise<Response | undefined> {
  if (place.kind === 'nowhere') return undefined;
  if (place.kind === 'names') return listing(place.names, url, request);
  if (place.kind === 'redirect') {
    // A later publication may come nearer to the moment.
    return new Response(null, { status: 302, headers: { location: place.to, 'cache-control': 'no-cache' } });
  }
  const found = await folder.find(place.path);
  if (found === undefined) return undefined;
  if (found.kind === 'folder') return listing(await readNames(found.path), url, request);
  if (!url.endsWith('/')) return fileResponse(found, { immutable: place.immutable, outgoing }, request);
  // A file is no folder.
  if (found.kind === 'file') await found.file.close();
  return undefined;
}
