import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../../../test/database.ts';
import { rebuildResult, recordResults, testRebuilder } from '../../../../test/rebuilds.ts';
import { seedDistribution } from '../../../../test/seed.ts';
import { sha256 } from '../../../kit/digest.ts';
import { parseLabel } from '../../../model/names.ts';
import type { Cause } from '../../../model/rebuild.ts';
import { Blobs } from '../../../plumbing/blobs.ts';
import { signRebuild } from '../../../rebuild/mod.ts';
import { acceptFiles, formatAccepted } from './accept.ts';
import { formatMarkdown, formatReport, readReport } from './report.ts';
import { formatRebuild, readRebuilds, readStatement } from './show.ts';
import { formatDifferences } from './text.ts';
import { formatStatuses, listRebuilt } from './verdicts.ts';

let directory: string;
let database: TestDatabase;
let house: Parameters<typeof acceptFiles>[0];
const far = testRebuilder('far');
const confirmed = (kind: Cause['kind'], detail = ''): Cause => ({ kind, detail, confirmed: true });
const place = 'debian/bookworm';

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-rebuild-'));
  database = await testDatabase();
  const name = parseLabel('far');
  const named = { name, publicKey: far.publicKey, validAfter: undefined, validBefore: undefined, isRevoked: false };
  house = {
    db: database.db,
    blobs: new Blobs(directory),
    distribution: seedDistribution({ rebuilders: new Map([[name, named]]) }),
    clock: { now: () => new Date('2026-02-01T00:00:00Z') },
  };
  await recordResults({ ...house, now: house.clock.now }, testRebuilder('one'), [
    rebuildResult({ place }),
    rebuildResult({ place, name: 'sed', verdict: 'differs', causes: [confirmed('clock', 'a | b\nc')] }),
    rebuildResult({ place, name: 'tar', verdict: 'differs', causes: [confirmed('clock'), confirmed('locale')] }),
    rebuildResult({ place, name: 'vim', verdict: 'differs', causes: [{ ...confirmed('umask'), confirmed: false }] }),
    rebuildResult({
      place,
      name: 'xz-utils',
      verdict: 'differs',
      causes: [{ ...confirmed('clock'), explains: 'its manual' }],
    }),
    rebuildResult({ place, name: 'zlib', verdict: 'failed', reason: 'history has no debhelper 13.11.4' }),
  ]);
});
after(async () => {
  await database.close();
  await rm(directory, { recursive: true });
});

test('rebuild show tells where the packages differ', () => {
  const file = { file: 'a.deb', size: 1, sha256: '' };
  const field = { kind: 'field', field: 'Priority', left: 'optional', right: 'extra' } as const;
  const differences = {
    'a.deb': { left: file, right: file, equal: false, differences: [field], omitted: 0, hints: [] },
  };
  assert.match(formatDifferences(differences, 9).join('\n'), /^a\.deb\n +Priority: optional → extra$/);
  assert.match(formatDifferences(differences, 1).join('\n'), /^a\.deb\n +and 1 more$/);
});

test('the report counts verdicts, and how many packages each confirmed cause would mend', async () => {
  const report = await readReport(house, { place });
  assert.deepEqual(report.packages, { reproduced: 1, differs: 4, unknown: 0, failed: 1 });
  assert.deepEqual(report.causes, [
    { kind: 'clock', packages: 3, alone: 1 },
    { kind: 'locale', packages: 1, alone: 0 },
  ]);
  assert.deepEqual([report.unexplained, report.partly], [1, 1]);
  assert.deepEqual(
    report.notable.map(({ source, verdict }) => `${source} ${verdict}`),
    [...['sed differs', 'tar differs', 'vim differs', 'xz-utils differs', 'zlib failed']],
  );
  assert.deepEqual(report.places, [
    { place, architecture: 'amd64', counts: { reproduced: 1, differs: 4, unknown: 0, failed: 1 } },
  ]);
  assert.match(formatReport(report).join('\n'), /clock +3 +1\n.*locale +1 +0\n.*known in part +1 .*\n.*not known +1/);
  const none = await readReport(house, { place: 'stable' });
  assert.deepEqual(none.notable, []);
  assert.match(formatReport(none).join('\n'), /^Nothing was rebuilt that fits\..*: sheaf rebuild run$/);
  assert.match(formatMarkdown(none).join('\n'), /\nNothing was rebuilt\.$/);
});

test('a place that is misspelt is no empty one', async () => {
  const misspelt = { code: 'unknown-place', kind: 'usage', message: /"stabel": no suite .*did you mean "stable"/ };
  await assert.rejects(listRebuilt(house, { place: 'stabel', limit: 1 }), misspelt);
  await assert.rejects(readReport(house, { place: 'stabel' }), misspelt);
  assert.deepEqual((await listRebuilt(house, { place, verdict: 'unknown', limit: 1 })).files, []);
});

test('the report in Markdown keeps the words of others inside its cells', async () => {
  const text = formatMarkdown(await readReport(house, { place })).join('\n');
  assert.match(text, /^# Rebuilds of debian\/bookworm, 2026-02-01\n/);
  assert.ok(text.includes(String.raw`| sed | 2.10-3 | amd64 | differs | clock (a \| b c) |`), text);
  assert.ok(text.includes('| zlib | 2.10-3 | amd64 | failed | history has no debhelper 13.11.4 |'), text);
  assert.ok(text.includes('| vim | 2.10-3 | amd64 | differs | perhaps '), text);
});

test('show says of another rebuilder whether its word counts', async () => {
  const [zlib] = await readRebuilds(house.db, 'zlib');
  const by = (foreign: ReadonlyMap<string, string>) =>
    formatRebuild({ ...zlib!, origin: 'foreign', rebuilder: 'far', key: 'one' }, { foreign }).join('\n');
  assert.match(by(new Map([['one', 'far']])), /far, another rebuilder\n/);
  assert.match(by(new Map([['two', 'far']])), /far, another rebuilder, whose word counts no longer\n/);
});

test('list and show say what was found and why', async () => {
  const page = await listRebuilt(house, { verdict: 'differs', limit: 2 });
  assert.deepEqual(
    page.files.map(({ name }) => name),
    ['sed', 'tar'],
  );
  const rest = await listRebuilt(house, { verdict: 'differs', limit: 2, after: page.next });
  assert.deepEqual([rest.files.map(({ name }) => name), rest.next], [['vim', 'xz-utils'], undefined]);
  assert.match(formatStatuses(page).join('\n'), /differs +tar .* clock, locale\n\nThere are more: --after tar\//);
  const [zlib] = await readRebuilds(house.db, 'zlib');
  assert.match(
    formatRebuild(zlib!, { foreign: new Map() }).join('\n'),
    /zlib 2.10-3, amd64 +failed\nhistory has no debhelper 13.11.4\n/,
  );
  assert.deepEqual(await readRebuilds(house.db, String(zlib!.id)), [zlib]);
  assert.deepEqual(await readRebuilds(house.db, sha256('zlib 2.10-3')), [zlib]);
  assert.deepEqual(await readRebuilds(house.db, 'zlib=2.10-3'), [zlib]);
  await assert.rejects(readRebuilds(house.db, 'zlib=1'), { code: 'no-such-rebuild' });
  const unknown = { files: [{ ...page.files[0]!, reason: 'no '.repeat(1000) }], next: undefined };
  assert.match(formatStatuses(unknown).join('\n'), /no no …$/);
  await assert.rejects(readRebuilds(house.db, 'nothing'), { code: 'no-such-rebuild' });
});

test('a statement that show prints is one that accept takes, and every file has its answer', async () => {
  const said = { rebuilder: 'far', invocation: 'a', result: rebuildResult() };
  const statement = (name: string) => join(directory, name);
  await writeFile(statement('good.json'), signRebuild(said, far.sign));
  await writeFile(statement('forged.json'), signRebuild(said, testRebuilder('far').sign));
  const files = ['forged.json', 'good.json'].map(statement);
  const { statements } = await acceptFiles(house, files, 'ada');
  assert.deepEqual(
    statements.map(({ refused, verdict }) => refused?.code ?? verdict),
    ['bad-signature', 'reproduced'],
  );
  assert.match(
    formatAccepted({ statements }).join('\n'),
    /forged.json: refused: .*\n  Keys that are known .*\n.*far says of hello 2.10-3: reproduced/,
  );
  const rebuilds = await readRebuilds(house.db, String(statements[1]!.rebuild));
  await writeFile(statement('again.json'), await readStatement(house, rebuilds));
  const again = await acceptFiles(house, [statement('again.json')], 'ada');
  assert.equal(again.statements[0]!.rebuild, statements[1]!.rebuild);
  const none = statement('none.json');
  await assert.rejects(acceptFiles(house, [none], 'ada'), {
    ...{ code: 'no-such-file', kind: 'usage' },
    message: `Cannot read the statement ${none}: there is no such file`,
  });
  await writeFile(statement('huge.json'), '');
  await truncate(statement('huge.json'), 5 * 2 ** 20);
  const some = await acceptFiles(house, [none, statement('huge.json'), statement('again.json')], 'ada');
  assert.deepEqual(
    some.statements.map(({ refused, verdict }) => refused?.message.replace(/.*: /, '') ?? verdict),
    ['there is no such file', 'it is larger than 4 MiB', 'reproduced'],
  );
});
