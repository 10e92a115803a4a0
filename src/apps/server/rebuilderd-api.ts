/**
 * The part of rebuilderd's interface that Debian's clients ask: `repro-threshold` for signed links about one package,
 * `debian-repro-status` for the status of everything. Only what our own rebuilders said is there: the link is signed
 * with this house's key, and it signs for nobody else. The words and fields are rebuilderd's.
 */
import { Hono } from 'hono';

import type { Distribution } from '../../model/distribution.ts';
import type { RebuildResult, Verdict } from '../../model/rebuild.ts';
import {
  findRebuilds,
  findResults,
  linkPublicKeyPem,
  listStatuses,
  signLink,
  type FileStatus,
  type LinkSigner,
} from '../../rebuild/mod.ts';
import type { Db } from '../../tracker/store.ts';

export type RebuilderdDeps = {
  readonly db: Db;
  readonly distribution: Pick<Distribution, 'name'>;
  readonly rebuilder: () => Promise<LinkSigner>;
};

const onlyOwn = { foreign: new Map<string, string>() };
const statuses: Record<Verdict, string> = { reproduced: 'GOOD', differs: 'BAD', unknown: 'UNKWN', failed: 'UNKWN' };
/** Files in one answer: more than any distribution has, and still some ten megabytes. */
const mostFiles = 200_000;
/** Records in one answer. */
const mostRecords = 1000;

export function rebuilderdApi({ db, distribution, rebuilder }: RebuilderdDeps): Hono {
  const app = new Hono();
  app.get('/api/v1/meta/public-keys', async (c) => {
    return c.json({ current: [linkPublicKeyPem((await rebuilder()).publicKey)] });
  });
  app.get('/api/v1/packages/binary', async (c) => {
    const { name, version, architecture, distribution: distro, release, status, limit } = c.req.query();
    const rows = await listStatuses(db, { name, version, architecture }, onlyOwn, { limit: mostFiles });
    const wanted = rows.filter((row) => fits(toRelease(row, distribution.name), { status, distro, suite: release }));
    const shown = wanted.slice(0, Math.min(toId(limit) ?? mostRecords, mostRecords));
    const good = shown.filter(({ verdict }) => verdict === 'reproduced').map(({ rebuild: id }) => id);
    const results = await findResults(db, [...new Set(good)]);
    const records = shown.map((row) => toRecord(row, distribution.name, results.get(row.rebuild)));
    return c.json({ total: wanted.length, records });
  });
  app.get('/api/v1/builds/:build/artifacts/:artifact/attestation', async (c) => {
    const [build, artifact] = [c.req.param('build'), c.req.param('artifact')].map(toId);
    const [found] = build === undefined ? [] : await findRebuilds(db, { id: build });
    const file = artifact === undefined ? undefined : found?.result.files[artifact - 1];
    if (found?.origin !== 'own' || file === undefined) return c.json({ error: 'Not found' }, 404);
    const link = signLink(found.result, file, await rebuilder());
    return link === undefined ? c.json({ error: 'Not found' }, 404) : c.body(link, 200, jsonType);
  });
  app.get('/api/v0/pkgs/list', async (c) => {
    const { name, status, distro, suite, architecture } = c.req.query();
    const rows = await listStatuses(db, { name, architecture }, onlyOwn, { limit: mostFiles });
    const listed = rows.map((row) => toRelease(row, distribution.name));
    return c.json(listed.filter((each) => fits(each, { status, distro, suite })));
  });
  return app;
}

const jsonType = { 'content-type': 'application/json; charset=utf-8' };

function toId(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

type Wanted = Partial<Record<'status' | 'distro' | 'suite', string | undefined>>;

function fits(release: Required<Wanted>, { status, distro, suite }: Wanted): boolean {
  return (
    (status === undefined || release.status === status) &&
    (distro === undefined || release.distro === distro) &&
    (suite === undefined || release.suite === suite)
  );
}

/** Of a file that was not reproduced there is no link to ask for: asked, one client drops all of this rebuilder's words. */
function toRecord(row: FileStatus, name: string, result: RebuildResult | undefined): object {
  const artifact = 1 + (result?.files.findIndex(({ file }) => file === row.file) ?? -1);
  const link = row.verdict === 'reproduced' && artifact > 0 ? artifact : null;
  return {
    ...{ id: row.rebuild, name: row.name, version: row.version, ...placeOf(row, name) },
    ...{ component: null, architecture: row.architecture, url: row.file, status: statuses[row.verdict] },
    ...{ build_id: row.rebuild, artifact_id: link, diffoscope_log_id: null, attestation_log_id: link },
    ...{ last_seen: momentOf(row), seen_in_last_sync: true },
  };
}

function placeOf({ place }: FileStatus, name: string): { distribution: string; release: string | null } {
  const [first = '', second] = (place ?? '').split('/');
  return second === undefined
    ? { distribution: name, release: first === '' ? null : first }
    : { distribution: first, release: second };
}

/** Without a zone: their readers refuse one. */
function momentOf({ finished_at }: FileStatus): string {
  return finished_at.toISOString().slice(0, 19);
}

function toRelease(row: FileStatus, name: string) {
  const { distribution, release } = placeOf(row, name);
  return {
    ...{ name: row.name, version: row.version, status: statuses[row.verdict] },
    ...{ distro: distribution, suite: release ?? '', architecture: row.architecture, artifact_url: row.file },
    ...{ build_id: row.rebuild, built_at: momentOf(row) },
    ...{ has_diffoscope: false, has_attestation: row.verdict === 'reproduced' },
  };
}
