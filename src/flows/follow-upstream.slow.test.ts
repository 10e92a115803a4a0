/** A real suite from a real mirror: small, but with everything that Debian's archive does. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { promisify } from 'node:util';

import { testDatabase, type TestDatabase } from '../../test/database.ts';
import { fakeUpstream, followWorld, type FollowWorld } from '../../test/follow-world.ts';
import { debian } from '../../test/small-root.ts';
import { entriesAt, findSnapshot, indexesAt, readStanza } from '../history/mod.ts';
import { parseSha256, sha256 } from '../kit/digest.ts';
import { fetchUpstreamFile } from './fetch-upstream-file.ts';
import { followUpstream } from './follow-upstream.ts';

const run = promisify(execFile);
const suite = 'bookworm-updates';

let database: TestDatabase;
let world: FollowWorld;
let directory: string;
before(async () => {
  database = await testDatabase();
  directory = await mkdtemp(join(tmpdir(), 'sheaf-follow-debian-'));
  world = await followWorld(directory, database.db, () => new Date(), { pauses: [1000, 4000], stall: 30_000 });
});
after(async () => {
  await world.close();
  await database.close();
  await rm(directory, { recursive: true });
});

it(`follows ${suite} from Debian's mirror, as gpgv has it signed`, { timeout: 300_000 }, async () => {
  const { url, keyring, components } = debian(suite);
  // The suite is quiet: its Release file may be past its Valid-Until.
  const settings = { suites: [suite], components, contents: true, translations: ['en'], expired: 'accept' } as const;
  const upstream = fakeUpstream(url, keyring, settings);
  const [report] = await followUpstream(world, upstream);
  assert.equal(report?.outcome, 'new', report?.message);
  const snapshot = (await findSnapshot(database.db, { origin: 'toy', suite }))!;
  const file = join(directory, 'InRelease');
  await writeFile(file, await world.store.read(snapshot.release!));
  const { stdout } = await run('gpgv', ['--status-fd', '1', '--keyring', keyring, file]);
  const good = [...stdout.matchAll(/^\[GNUPG:\] VALIDSIG .* ([0-9A-F]{40})$/gm)].map((match) => match[1]);
  assert.deepEqual(snapshot.signedBy, good);
  const indexes = await indexesAt(database.db, snapshot);
  const paths = indexes.map(({ path }) => path);
  for (const path of ['main/binary-amd64/Packages', 'main/source/Sources']) assert.ok(paths.includes(path), path);
  for (const index of indexes) assert.equal(sha256(await world.store.read(index.sha256)), index.sha256);

  const again = await followUpstream(world, upstream);
  assert.deepEqual(
    again.map(({ outcome, indexes: added }) => [outcome, added]),
    [['unchanged', 0]],
  );

  const [entry] = (await entriesAt(world, snapshot, { kind: 'binary' })).toSorted((a, b) => a.size - b.size);
  const filename = /^Filename: (.*)$/m.exec(await readStanza(world.store, entry!.piece!))![1]!;
  const wanted = { filename, sha256: parseSha256(entry!.sha256), size: entry!.size };
  await fetchUpstreamFile(world, upstream, wanted);
  assert.equal((await world.blobs.info(wanted.sha256))?.size, entry!.size);
});
