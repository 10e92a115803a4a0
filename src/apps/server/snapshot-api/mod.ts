/**
 * The machine-readable API of snapshot.debian.org (its documents call it the machine-usable interface) under `/mr/`, and
 * `/file/HASH`: for our own repositories, and for upstreams as far as their indexes are kept here. What works with the
 * original works with this: debsnap, debbisect, mkosi.
 */
import { Hono, type Context } from 'hono';

import type { HistoryDeps } from '../../../history/mod.ts';
import { isSha256 } from '../../../kit/digest.ts';
import type { Distribution } from '../../../model/distribution.ts';
import { binaryHashes, binaryVersions, byText, comment, fileInfo, fileInfos, hashes, newestFirst } from './answers.ts';
import type { BinaryFact, BinaryQuery, FactSource, FileFact } from './facts.ts';
import { FileDesk } from './file.ts';
import { ownFacts, publishedMoments } from './own.ts';
import { Sha1s, type Sha1Deps } from './sha1.ts';
import { upstreamFacts } from './upstream.ts';

export type SnapshotApiDeps = Sha1Deps & {
  readonly distribution: Pick<Distribution, 'upstreams'>;
  readonly history: HistoryDeps;
  /** The folder that holds one archive tree for each repository. */
  readonly directory: string;
};

/** Nothing is told of packages that were never published. */
export function snapshotApi(deps: SnapshotApiDeps): Hono {
  const facts = together([ownFacts(deps.db), upstreamFacts(deps)]);
  const sha1s = new Sha1s(deps);
  const app = new Hono();
  addSources(app, facts, sha1s);
  addBinaries(app, facts, sha1s);
  addFiles(app, facts, sha1s, new FileDesk(deps));
  for (const path of ['/mr/timestamp', '/mr/timestamp/']) {
    app.get(path, async (c) => {
      const { archive, after = '', before = '~' } = c.req.query();
      const moments = [...(await publishedMoments(deps.db))].filter(
        ([name]) => archive === undefined || name === archive,
      );
      if (archive !== undefined && moments.length === 0) return nothing(c, 'no such archive');
      const result = moments.map(([name, ids]) => [name, ids.filter((id) => id >= after && id <= before)]);
      return c.json({ _comment: comment, result: Object.fromEntries(result) });
    });
  }
  return app;
}

function together(parts: readonly FactSource[]): FactSource {
  const all = async <T>(ask: (part: FactSource) => Promise<readonly T[]>) => (await Promise.all(parts.map(ask))).flat();
  return {
    sourceNames: () => all((part) => part.sourceNames()),
    sources: (name, version) => all((part) => part.sources(name, version)),
    binaries: (query) => all((part) => part.binaries(query)),
    files: (sha256) => all((part) => part.files(sha256)),
  };
}

const nothing = (c: Context, why: string) => c.json({ _comment: why, result: [] }, 404);

const wantsInfo = (c: Context) => c.req.query('fileinfo') === '1';

function addSources(app: Hono, facts: FactSource, sha1s: Sha1s): void {
  app.get('/mr/package/', async (c) => {
    const names = [...new Set(await facts.sourceNames())].toSorted(byText);
    return c.json({ _comment: comment, result: names.map((name) => ({ package: name })) });
  });
  for (const path of ['/mr/package/:name', '/mr/package/:name/'] as const) {
    app.get(path, async (c) => {
      const name = c.req.param('name');
      const versions = newestFirst((await facts.sources(name)).map(({ version }) => version));
      if (versions.length === 0) return nothing(c, 'no such source package');
      return c.json({ _comment: comment, package: name, result: versions.map((version) => ({ version })) });
    });
  }
  app.get('/mr/package/:name/:version/srcfiles', async (c) => {
    const { name, version } = c.req.param();
    const files = (await facts.sources(name, version)).flatMap((source) => source.files);
    if (files.length === 0) return nothing(c, 'no such source package');
    const names = await sha1s.of(files.map(({ sha256 }) => sha256));
    const more = wantsInfo(c) ? { fileinfo: fileInfos(files, names) } : {};
    return c.json({ _comment: comment, package: name, version, result: hashes(files, names), ...more });
  });
  app.get('/mr/package/:name/:version/allfiles', async (c) => {
    const { name, version } = c.req.param();
    const files = (await facts.sources(name, version)).flatMap((source) => source.files);
    const binaries = await facts.binaries({ source: name, sourceVersion: version });
    if (files.length + binaries.length === 0) return nothing(c, 'no such source package');
    const all = [...files, ...binaries.map(({ file }) => file)];
    const names = await sha1s.of(all.map(({ sha256 }) => sha256));
    const result = {
      source: hashes(files, names),
      binaries: binaryVersions(binaries).map((binary) => ({
        ...binary,
        files: binaryHashes(
          binaries.filter((each) => each.name === binary.name && each.version === binary.version),
          names,
        ),
      })),
    };
    const more = wantsInfo(c) ? { fileinfo: fileInfos(all, names) } : {};
    return c.json({ _comment: comment, package: name, version, result, ...more });
  });
}

function addBinaries(app: Hono, facts: FactSource, sha1s: Sha1s): void {
  app.get('/mr/package/:name/:version/binpackages', async (c) => {
    const { name, version } = c.req.param();
    const result = binaryVersions(await facts.binaries({ source: name, sourceVersion: version }));
    if (result.length === 0) return nothing(c, 'no binary packages of such a source package');
    return c.json({ _comment: comment, package: name, version, result });
  });
  app.get('/mr/package/:name/:version/binfiles/:binary/:binaryVersion', async (c) => {
    const { name, version, binary, binaryVersion } = c.req.param();
    const found = (await facts.binaries({ source: name, sourceVersion: version })).filter(
      (each) => each.name === binary && each.version === binaryVersion,
    );
    return answerBinaries(c, sha1s, found, { package: name, version, binary, binary_version: binaryVersion });
  });
  for (const path of ['/mr/binary/:name', '/mr/binary/:name/'] as const) {
    app.get(path, async (c) => {
      const name = c.req.param('name');
      const result = sourcesOf(await facts.binaries({ name }));
      return result.length === 0
        ? nothing(c, 'no such binary package')
        : c.json({ _comment: comment, binary: name, result });
    });
  }
  app.get('/mr/binary/:name/:version/binfiles', async (c) => {
    const { name, version } = c.req.param();
    const query: BinaryQuery = { name, version };
    return answerBinaries(c, sha1s, await facts.binaries(query), { binary: name, binary_version: version });
  });
}

/** Each version of a binary package, and the source package it was built from; the newest first. */
function sourcesOf(binaries: readonly BinaryFact[]) {
  const found = new Map<string, { source: string; version: string; binary_version: string; name: string }>();
  for (const { name, version, source, sourceVersion } of binaries) {
    const row = { source, version: sourceVersion, binary_version: version, name };
    found.set(JSON.stringify(row), row);
  }
  const order = newestFirst([...found.values()].map((row) => row.binary_version));
  return [...found.values()].toSorted((a, b) => order.indexOf(a.binary_version) - order.indexOf(b.binary_version));
}

async function answerBinaries(
  c: Context,
  sha1s: Sha1s,
  binaries: readonly BinaryFact[],
  about: Readonly<Record<string, string>>,
): Promise<Response> {
  if (binaries.length === 0) return nothing(c, 'no such binary package');
  const files = binaries.map(({ file }) => file);
  const names = await sha1s.of(files.map(({ sha256 }) => sha256));
  const more = wantsInfo(c) ? { fileinfo: fileInfos(files, names) } : {};
  return c.json({ _comment: comment, ...about, result: binaryHashes(binaries, names), ...more });
}

function addFiles(app: Hono, facts: FactSource, sha1s: Sha1s, desk: FileDesk): void {
  const find = async (hash: string): Promise<readonly FileFact[] | 'later'> => {
    if (isSha256(hash)) return facts.files(hash);
    if (!/^[0-9a-f]{40}$/.test(hash)) return [];
    const digests = await sha1s.find(hash);
    return digests === 'later' ? digests : (await Promise.all(digests.map((each) => facts.files(each)))).flat();
  };
  const later = (c: Context) => c.text('Files are still being counted: ask again\n', 503, { 'retry-after': '30' });
  app.get('/mr/file/:hash/info', async (c) => {
    const hash = c.req.param('hash');
    const files = await find(hash);
    if (files === 'later') return later(c);
    if (files.length === 0) return nothing(c, 'no such file');
    return c.json({ _comment: comment, hash, result: files.map(fileInfo) });
  });
  app.get('/file/:hash', async (c) => {
    const files = await find(c.req.param('hash'));
    if (files === 'later') return later(c);
    return (await desk.serve(files, c.req.raw)) ?? c.text('Not found\n', 404);
  });
}
