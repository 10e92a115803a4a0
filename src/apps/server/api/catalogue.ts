/** Packages over time, through the API: where they were, their hashes and relations, and search. */
import { createRoute } from '@hono/zod-openapi';

import {
  entriesAt,
  entryCursor,
  filesOf,
  indexesAt,
  locate,
  readStanza,
  relationsTo,
  searchContents,
  searchNames,
  whereWas,
  type Sighting,
} from '../../../history/mod.ts';
import type { PackageEntry, SnapshotRef } from '../../../model/index-history.ts';
import { digestParam, nameParam, pageOf } from '../api-schemas.ts';
import * as schemas from './history-schemas.ts';
import {
  apiError,
  get,
  invalid,
  json,
  missing,
  notFound,
  plain,
  text,
  textBody,
  type Api,
  type ApiDeps,
} from './shared.ts';

const defaultLimit = 100;

export function addCatalogue(api: Api, deps: ApiDeps): void {
  addHistoryOf(api, deps, 'binary');
  addHistoryOf(api, deps, 'source');
  addEntries(api, deps);
  addSearch(api, deps);
}

function addHistoryOf(api: Api, { db }: ApiDeps, kind: PackageEntry['kind']): void {
  const path = kind === 'binary' ? '/binaries/{name}' : '/sources/{name}';
  api.openapi(
    createRoute(
      get(path, `Every version of a ${kind} package: where it was, from when to when, with which hashes`, {
        request: { params: nameParam, query: schemas.historyFilters },
        responses: { 200: json(schemas.packageHistorySchema, 'The package.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { name } = c.req.valid('param');
      const sightings = await whereWas(db, { name, kind, ...given(c.req.valid('query')) });
      if (sightings.length === 0) return notFound(c, `${kind} package ${name}`);
      return c.json(plain({ name, kind, sightings: sightings.map(toSighting), hashes: hashesIn(sightings) }), 200);
    },
  );
}

/** Without what was not asked for. */
function given<T extends object>(query: T): { [Name in keyof T]: Exclude<T[Name], undefined> } {
  const known = Object.entries(query).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [Name in keyof T]: Exclude<T[Name], undefined> };
}

/** Without the number of its piece in the store. */
function toEntry({ kind, name, version, architecture, source, sourceVersion, sha256, size, component }: PackageEntry) {
  return { kind, name, version, architecture, source, sourceVersion, sha256, size, component };
}

function toSighting({ origin, suite, component, since, until, entry }: Sighting) {
  return { origin, suite, component, since, until, entry: toEntry(entry) };
}

function hashesIn(sightings: readonly Sighting[]) {
  const groups = new Map<string, { origin: string; version: string; architecture: string; sha256: Set<string> }>();
  for (const { origin, entry } of sightings) {
    const { version, architecture, sha256 } = entry;
    const key = [origin, version, architecture].join('\n');
    const group = groups.get(key) ?? { origin, version, architecture, sha256: new Set() };
    groups.set(key, group);
    if (sha256 !== '') group.sha256.add(sha256);
  }
  return [...groups.values()].map((each) => ({ ...each, sha256: [...each.sha256] }));
}

function addEntries(api: Api, { db, distribution, history }: ApiDeps): void {
  api.openapi(
    createRoute(
      get('/entries', 'Packages of a snapshot', {
        request: { query: schemas.entriesQuery },
        responses: { 200: json(pageOf(schemas.entrySchema), 'A page of them.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { place, contains, limit = defaultLimit, ...filter } = c.req.valid('query');
      const ref = await locate({ db, distribution }, place);
      const entries = await entriesAt(history, ref, { ...given({ ...filter, nameContains: contains }), limit });
      const last = entries.at(-1);
      const next = entries.length === limit && last !== undefined ? entryCursor(last) : undefined;
      return c.json(plain({ items: entries.map(toEntry), next }), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/stanza', 'The stanza of a package as an index has it', {
        request: { query: schemas.stanzaQuery },
        responses: { 200: text, 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { place, kind, name, version, architecture } = c.req.valid('query');
      const ref = await locate({ db, distribution }, place);
      const entries = await entriesAt(history, ref, { kind, name, ...given({ architecture }), limit: 500 });
      const found = entries.find((each) => version === undefined || each.version === version);
      if (found?.piece === undefined) return notFound(c, `${kind} package ${name} in ${place}`);
      return textBody(c, await readStanza(history.store, found.piece));
    },
  );
  api.openapi(
    createRoute(
      get('/relations', 'Packages of a snapshot that name another in one of their fields', {
        request: { query: schemas.relationsQuery },
        responses: { 200: json(schemas.relationsSchema, 'A page of them.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { place, to, after, limit = defaultLimit } = c.req.valid('query');
      const ref = await locate({ db, distribution }, place);
      const found = await relationsTo(db, { target: to, ref, limit, ...given({ after }) });
      const items = found.items.map(({ field, entry }) => ({ field, entry: toEntry(entry) }));
      return c.json(plain({ items, total: found.total, next: found.next }), 200);
    },
  );
  api.openapi(
    createRoute(
      get('/by-hash/{sha256}', 'Which package versions have a file, and where they were', {
        request: { params: digestParam },
        responses: { 200: json(pageOf(schemas.sightingSchema), 'Empty when none has.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { sha256 } = c.req.valid('param');
      return c.json({ items: plain((await whereWas(db, { sha256 })).map(toSighting)) }, 200);
    },
  );
}

function addSearch(api: Api, { db, distribution, history }: ApiDeps): void {
  const followsContents = async (ref: SnapshotRef) =>
    (await indexesAt(db, ref)).some(({ kind }) => kind === 'contents');
  api.openapi(
    createRoute(
      get('/search', 'Names of packages that begin so, in everything that is kept', {
        request: { query: schemas.searchQuery },
        responses: { 200: json(pageOf(schemas.foundNameSchema), 'The names.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { q, limit = defaultLimit } = c.req.valid('query');
      return c.json({ items: plain(await searchNames(db, { prefix: q.toLowerCase(), limit })) }, 200);
    },
  );
  api.openapi(
    createRoute(
      get('/files', 'Files and the packages of a snapshot that install them, where Contents indexes are followed', {
        request: { query: schemas.filesQuery },
        responses: { 200: json(pageOf(schemas.foundFileSchema), 'The files.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { place, path, name, contains, package: of, limit = defaultLimit } = c.req.valid('query');
      const asked = [path, name, contains, of].filter((each) => each !== undefined);
      if (asked.length !== 1) {
        return c.json(apiError('bad-request', 'Cannot search: give one of path, name, contains and package'), 400);
      }
      const ref = await locate({ db, distribution }, place);
      const found =
        of === undefined
          ? await searchContents(history, ref, { ...given({ path, name, substring: contains }), limit })
          : (await filesOf(history, ref, of, limit))?.map((file) => ({ path: file, packages: [of] }));
      const isFollowed = found !== undefined && (found.length > 0 || (await followsContents(ref)));
      if (!isFollowed) return notFound(c, `Contents index in ${place}`);
      return c.json({ items: plain(found) }, 200);
    },
  );
}
