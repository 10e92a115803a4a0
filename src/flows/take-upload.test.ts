import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import { GpgHome } from '../../test/signers.ts';
import { store, toyArchive, toyChanges, toyDeb, toySource, type ToyBinary } from '../../test/toy-archive.ts';
import { copyPackages, publishSuite, removePackages, type ArchiveDeps } from '../archive/mod.ts';
import type { Person, Suite } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import { parseArchitecture, parseLabel, parseSuiteName } from '../model/names.ts';
import { verifyDocument } from '../plumbing/upload-signature.ts';
import { findTagBuild } from '../intake/mod.ts';
import { SheafError } from '../kit/error.ts';
import type { LintianTag } from '../model/lintian.ts';
import {
  findSourcesOf,
  listPackages,
  listSuitePackages,
  listSuites,
  packageStatuses,
  packageTimeline,
} from '../tracker/mod.ts';
import { listNewUploads, type RunLintian } from '../upload/mod.ts';
import { acceptNew, rejectNew, takeUpload, takeUploads, type TakenUpload } from './take-upload.ts';
import { tasksLeft } from './upload-build.ts';

const now = new Date('2026-11-21T03:00:00Z');
const signedAt = new Date('2026-11-21T02:00:00Z');
const toy = await toyArchive();
const home = await GpgHome.make();
const keys = await mkdtemp('/tmp/sheaf-keys-');
test.after(async () => {
  await home.close();
  await toy.close();
  await rm(keys, { recursive: true });
});
const { blobs } = toy.deps;
const key = await home.key('alice@example.org', { at: new Date('2026-01-01T00:00:00Z') });
const stranger = await home.key('mallory@example.org', { at: new Date('2026-01-01T00:00:00Z') });
await writeFile(join(keys, 'alice.asc'), await home.exportKey(key));
const alice: Person = {
  name: parseLabel('alice'),
  fullName: 'Alice',
  email: undefined,
  openpgp: [join(keys, 'alice.asc')],
  ssh: [],
  revoked: [],
  permissions: [{ packages: ['toy-*', 'lib*'], suites: ['*'] }],
};
const stable = toy.deps.distribution.suites.get(parseSuiteName('stable'))!;
const other = { ...stable, name: parseSuiteName('other'), codename: parseSuiteName('other') };
const held: Suite = { ...stable, name: parseSuiteName('held'), codename: parseSuiteName('held'), newPackages: 'hold' };
const frozen: Suite = { ...stable, name: parseSuiteName('frozen'), codename: parseSuiteName('frozen'), frozen: true };
const feed: Suite = { ...stable, name: parseSuiteName('feed'), codename: parseSuiteName('feed'), versions: 'all' };
const suites = new Map([stable, other, held, frozen, feed].map((suite) => [suite.name, suite]));
const archive: ArchiveDeps = {
  ...toy.deps,
  distribution: {
    ...toy.deps.distribution,
    people: new Map([[alice.name, alice]]),
    suites,
  },
};
/** What lintian says next. */
let tags: readonly LintianTag[] | Error = [];
const looked: string[][] = [];
const runLintian: RunLintian = async (_, files) => {
  looked.push(files.map((file) => file.name));
  if (tags instanceof Error) throw tags;
  return { version: '2.122', tags };
};
const deps = { archive, verifyDocument, runLintian };

type Toy = { readonly files: readonly InputFile[] };

async function upload(
  source: string,
  version: string,
  binaries: readonly ToyBinary[] = [{ name: source }],
  options: { readonly by?: string | null; readonly parts?: 'source' | 'binaries'; readonly suite?: string } = {},
): Promise<Toy> {
  const sources = options.parts === 'binaries' ? [] : await toySource(blobs, source, version, binaries);
  const debs: InputFile[] = [];
  if (options.parts !== 'source') {
    for (const binary of binaries) debs.push(await toyDeb(blobs, source, version, binary));
  }
  const all = [...sources, ...debs];
  const distribution = options.suite ?? 'stable';
  const plain = await toyChanges(blobs, source, version, all, { Distribution: distribution });
  if (options.by === null) return { files: [...all, plain] };
  return { files: [...all, await sign(plain, options.by ?? key)] };
}

async function sign(plain: InputFile, by: string): Promise<InputFile> {
  const text = await home.gpg(['--clearsign', '-u', `${by}!`], await blobs.read(plain.sha256), signedAt);
  return store(blobs, plain.name, text);
}

/** One package with its source, and a .changes whose fields say something else. */
async function described(source: string, fields: Readonly<Record<string, string>>): Promise<Toy> {
  const files = (await upload(source, '1', undefined, { by: null })).files.slice(0, -1);
  return { files: [...files, await sign(await toyChanges(blobs, source, '1', files, fields), key)] };
}

const take = (toyUpload: Toy, suite: Suite = stable, unsigned?: string) =>
  takeUpload(deps, { suite, files: toyUpload.files, remote: true, unsigned }, now);

function reasonsOf(taken: TakenUpload): string {
  assert.equal(taken.kind, 'refused', JSON.stringify(taken));
  return taken.reasons.join('\n');
}

async function rows() {
  const { rows: found } = await toy.database.pool.query(
    `select (select count(*) from source_package) s, (select count(*) from binary_package) b,
       (select count(*) from pool_file) f, (select count(*) from publication) p`,
  );
  return found[0];
}

async function inSuite(suite: string) {
  const { rows: found } = await toy.database.pool.query(
    `select b.name || '_' || b.version as name from publication p join binary_package b on b.id = p.binary_package
       where p.suite = $1 and p.state = 'PUBLISHED' order by 1`,
    [suite],
  );
  return found.map((row) => row.name);
}

test('takeUpload takes source and binaries signed by a person, publishes them, and does so once', async () => {
  const first = await upload('toy-a', '1.0-1');
  const taken = await take(first);
  assert.equal(taken.kind, 'accepted', JSON.stringify(taken));
  assert.deepEqual(await inSuite('stable'), ['toy-a_1.0-1']);
  const before = await rows();
  const again = await take(first);
  assert.deepEqual(again, { ...taken, already: true, tagBuild: undefined });
  assert.deepEqual(await rows(), before);
  const { rows: events } = await toy.database.pool.query(
    `select message from event where kind = 'package-accepted' and source = 'toy-a'`,
  );
  assert.deepEqual(
    events.map((row) => row.message),
    ['Upload of toy-a 1.0-1 accepted into stable, signed by alice: source, toy-a (amd64)'],
  );
});

test('takeUpload lets the source come first and the binaries later, and finds the tarball it has already', async () => {
  const binaries = [{ name: 'toy-b' }];
  assert.equal((await take(await upload('toy-b', '1.0-1', binaries, { parts: 'source' }))).kind, 'accepted');
  assert.ok(!(await inSuite('stable')).includes('toy-b_1.0-1'));
  assert.equal((await take(await upload('toy-b', '1.0-1', binaries, { parts: 'binaries' }))).kind, 'accepted');
  assert.ok((await inSuite('stable')).includes('toy-b_1.0-1'));

  const orig = await toySource(blobs, 'toy-q', '1.0-1', [{ name: 'toy-q' }], { orig: 'upstream' });
  const next = await toySource(blobs, 'toy-q', '1.0-2', [{ name: 'toy-q' }], { orig: 'upstream' });
  const changes = async (version: string, files: readonly InputFile[]) =>
    sign(await toyChanges(blobs, 'toy-q', version, files), key);
  assert.equal((await take({ files: [...orig, await changes('1.0-1', orig)] })).kind, 'accepted');
  const without = next.filter((file) => !file.name.includes('.orig.'));
  assert.equal((await take({ files: [...without, await changes('1.0-2', without)] })).kind, 'accepted');
});

const refusals: Record<string, [() => Promise<Toy>, RegExp, Suite?]> = {
  'no signature': [() => upload('toy-r', '1', undefined, { by: null }), /It is not signed/],
  'an unknown signer': [() => upload('toy-r', '1', undefined, { by: stranger }), /which no person in sheaf\.toml has/],
  'no permission': [() => upload('rare', '1'), /alice may not release rare into stable/],
  'another suite': [
    () => upload('toy-r', '1', undefined, { suite: 'elsewhere' }),
    /is for "elsewhere"; suite "stable" takes stable/,
  ],
  'a frozen suite': [() => upload('toy-r', '1', undefined, { suite: 'stable' }), /Suite "frozen" is frozen/, frozen],
  'binaries without their source': [
    () => upload('toy-none', '1', undefined, { parts: 'binaries' }),
    /Source toy-none 1 is not in repository "main"/,
  ],
  'an architecture that the suite does not have': [
    () => upload('toy-r', '1', [{ name: 'toy-r', architecture: 'arm64' }]),
    /architecture arm64 is not one of suite/,
  ],
  'a component that the suite does not have': [
    () => upload('toy-r', '1', [{ name: 'toy-r', fields: { Section: 'contrib/misc' } }]),
    /component "contrib" is not one of suite/,
  ],
  'a lower version': [
    () => upload('toy-a', '0.9-1'),
    /Source toy-a 0\.9-1: suite "stable" has the higher version 1\.0-1\n.*toy-a_0\.9-1_amd64\.deb: suite "stable" has the higher version 1\.0-1/s,
  ],
  'the same version with other bytes': [
    () => upload('toy-a', '1.0-1', [{ name: 'toy-a', content: 'other' }]),
    /accepted before with other bytes/,
  ],
  "another source's binary": [
    () => upload('toy-thief', '9', [{ name: 'toy-a' }]),
    /toy-a: in suite "stable" source toy-a builds this package, not toy-thief/,
  ],
  'a file that is not that of the .changes': [
    async () => {
      const { files } = await upload('toy-r', '1');
      const wrong = await store(blobs, 'toy-r_1_amd64.deb', 'other bytes');
      return { files: files.map((file) => (file.name === wrong.name ? wrong : file)) };
    },
    /toy-r_1_amd64\.deb: its size or SHA-256 is not that in the \.changes/,
  ],
  'a package that the .changes does not name': [
    () => described('toy-r', { Binary: 'toy-other' }),
    /^toy-r_1_amd64\.deb: the field "Binary" of the \.changes does not name toy-r$/,
  ],
  'an architecture that the .changes does not name': [
    () => described('toy-r', { Architecture: 'source' }),
    /^toy-r_1_amd64\.deb: the field "Architecture" of the \.changes does not name amd64$/,
  ],
  'a .changes that cannot be read, once and with the line in the file': [
    () => described('toy-r', { Files: '' }),
    /^toy-r_1_amd64\.changes:20: Cannot read [^\n]*$/,
  ],
  'a source package that has nothing for the suite': [
    async () => {
      const [dsc, ...parts] = await toySource(blobs, 'toy-r', '1', [{ name: 'toy-r' }]);
      const text = (await blobs.read(dsc!.sha256)).toString().replace('Architecture: any', 'Architecture: arm64');
      const files = [await store(blobs, dsc!.name, text), ...parts];
      return { files: [...files, await sign(await toyChanges(blobs, 'toy-r', '1', files), key)] };
    },
    /^toy-r_1\.dsc: its packages are for arm64, suite "stable" has amd64$/,
  ],
  'a package for the installer': [
    async () => {
      const files = [...(await upload('toy-r', '1', undefined, { by: null })).files.slice(0, -1)];
      files.push(await store(blobs, 'toy-r-di_1_amd64.udeb', 'a package'));
      return { files: [...files, await sign(await toyChanges(blobs, 'toy-r', '1', files), key)] };
    },
    /^toy-r-di_1_amd64\.udeb: packages for the installer are not taken: build without them/,
  ],
  'a file that is missing': [
    async () => ({ files: (await upload('toy-r', '1')).files.filter((file) => !file.name.endsWith('.deb')) }),
    /toy-r_1_amd64\.deb: the \.changes lists it, but it was not given/,
  ],
  'text behind the signature': [
    async () => {
      const { files } = await upload('toy-r', '1');
      const changes = files.at(-1)!;
      const text = `${(await blobs.read(changes.sha256)).toString()}\nSource: evil\n`;
      return { files: [...files.slice(0, -1), await store(blobs, changes.name, text)] };
    },
    /text behind its signature/,
  ],
};

for (const [what, [make, expected, suite]] of Object.entries(refusals)) {
  test(`takeUpload refuses ${what}, and nothing is half-included`, async () => {
    const offer = await make();
    const before = await rows();
    assert.match(reasonsOf(await take(offer, suite)), expected);
    assert.deepEqual(await rows(), before);
  });
}

test('takeUpload takes lower versions into a suite of all versions, but no other bytes and nothing that was removed', async () => {
  for (const version of ['2', '1', '3']) {
    const taken = await take(await upload('toy-f', version), feed);
    assert.equal(taken.kind, 'accepted', JSON.stringify(taken));
  }
  assert.deepEqual(await inSuite('feed'), ['toy-f_1', 'toy-f_2', 'toy-f_3']);
  const before = await rows();
  const other = await upload('toy-f', '1', [{ name: 'toy-f', content: 'other' }]);
  assert.match(reasonsOf(await take(other, feed)), /toy-f_1_amd64\.deb: it was accepted before with other bytes/);
  assert.match(reasonsOf(await take(await upload('toy-thief', '1', [{ name: 'toy-f' }]), feed)), /source toy-f builds/);
  assert.deepEqual(await rows(), before);
  const request = { ...{ suite: 'feed', by: 'root', reason: undefined, dryRun: false }, of: 'source' } as const;
  await removePackages(archive, { ...request, packages: ['toy-f=2'] }, now);
  assert.match(reasonsOf(await take(await upload('toy-f', '2'), feed)), /removed from suite "feed"/);
  assert.deepEqual(await inSuite('feed'), ['toy-f_1', 'toy-f_3']);
});

test('takeUpload brings back what had ended for a newer version once the suite keeps all versions', async () => {
  const before: Suite = { ...feed, versions: 'latest' };
  const settings = { ...archive.distribution, suites: new Map([...suites, [feed.name, before]]) };
  const earlier = { ...deps, archive: { ...archive, distribution: settings } };
  const first = await upload('toy-k', '1');
  for (const { files } of [first, await upload('toy-k', '2')]) {
    const taken = await takeUpload(earlier, { suite: before, files, remote: true }, now);
    assert.equal(taken.kind, 'accepted', JSON.stringify(taken));
  }
  const kept = async () => (await inSuite('feed')).filter((each) => each.startsWith('toy-k'));
  assert.deepEqual(await kept(), ['toy-k_2']);
  const taken = await take(first, feed);
  assert.ok(taken.kind === 'accepted' && !taken.already, JSON.stringify(taken));
  assert.deepEqual(await kept(), ['toy-k_1', 'toy-k_2']);
  const again = await take(first, feed);
  assert.ok(again.kind === 'accepted' && again.already);
});

test('takeUpload gives the reasons of the signature and of the files together, and tells them', async () => {
  const { files } = await upload('toy-m', '1', [{ name: 'toy-m', architecture: 'arm64' }], { by: stranger });
  const reasons = reasonsOf(await take({ files }));
  assert.match(reasons, /which no person/);
  assert.match(reasons, /architecture arm64/);
  const { rows: events } = await toy.database.pool.query(
    `select message from event where kind = 'result-refused' and source = 'toy-m'`,
  );
  assert.match(events[0].message, /^Upload of toy-m for stable refused: .*arm64/);
});

test('takeUpload takes bare files when the administrator vouches for them, and says so', async () => {
  const { files } = await upload('rare', '2', undefined, { by: null });
  const bare = files.filter((file) => !file.name.endsWith('.changes'));
  assert.match(reasonsOf(await take({ files: bare })), /no \.changes with a signature/);
  const deb = bare.filter((file) => file.name.endsWith('.deb'));
  assert.match(reasonsOf(await take({ files: deb }, stable, 'root')), /Source rare 2 is not in repository/);
  assert.equal((await take({ files: bare }, stable, 'root')).kind, 'accepted');
  const { rows: events } = await toy.database.pool.query(
    `select message from event where source = 'rare' and kind = 'package-accepted' order by id`,
  );
  assert.match(events.at(-1).message, /unsigned, vouched for by root/);
});

test('takeUpload refuses a binary package that was removed, and says so', async () => {
  const given = await upload('toy-gone', '1', [{ name: 'toy-gone' }, { name: 'toy-gone-doc', architecture: 'all' }]);
  assert.equal((await take(given)).kind, 'accepted');
  assert.deepEqual(await findSourcesOf(toy.deps.db, 'toy-gone-doc'), ['toy-gone']);
  const removal = {
    suite: 'stable',
    packages: ['toy-gone-doc'],
    of: 'binary',
    by: 'root',
    reason: undefined,
    dryRun: false,
  } as const;
  await removePackages(archive, removal, now);
  assert.match(reasonsOf(await take(given)), /^toy-gone-doc_1_all\.deb was removed from suite "stable": release a new/);
});

test('takeUpload takes a bare package under any file name, and without its source when it is asked to', async () => {
  const first = await upload('toy-vendor', '1:1-1');
  const deb = first.files
    .filter((file) => file.name.endsWith('.deb'))
    .map((file) => ({ ...file, name: 'toy-vendor_1%3a1-1.deb' }));
  const refused = reasonsOf(await take({ files: deb }, stable, 'root'));
  assert.match(refused, /^Source toy-vendor 1:1-1 is not in repository .*--without-source.*$/);
  const offer = { suite: stable, files: deb, unsigned: 'root', withoutSource: true, remote: false };
  assert.equal((await takeUpload(deps, offer, now)).kind, 'accepted');
  assert.ok((await inSuite('stable')).includes('toy-vendor_1:1-1'));
  const { rows: found } = await toy.database.pool.query(`select path from pool_file where path like '%toy-vendor_%'`);
  assert.deepEqual(found, [{ path: 'pool/main/t/toy-vendor/toy-vendor_1-1_amd64.deb' }]);
  const pages = [];
  for (let after: string | undefined, ended = false; !ended; ended = after === undefined) {
    const page = await listSuitePackages(toy.deps.db, stable, {
      after,
      limit: 1,
    });
    pages.push(...page.items);
    after = page.next;
  }
  const { items } = await listSuitePackages(toy.deps.db, stable, {
    limit: 200,
  });
  assert.deepEqual(pages, items);
  // No index has a component that was taken out of the suite, of source packages neither.
  const moved = { ...stable, components: ['contrib'] };
  assert.deepEqual((await listSuitePackages(toy.deps.db, moved, { limit: 200 })).items, []);
  const counts = (await listSuites(toy.deps.db, [stable, moved], now)).map(({ sources }) => sources);
  assert.ok(counts[0]! > 0);
  assert.equal(counts[1], 0);
  const [elsewhere] = await packageStatuses(toy.deps.db, new Map([['stable', moved]]), ['toy-vendor']);
  assert.deepEqual([elsewhere?.state, elsewhere?.published], ['Not-For-Us', undefined]);
  const [shown] = items.filter(({ name }) => name === 'toy-vendor');
  assert.deepEqual([shown?.versions, shown?.binaries.length], [['1:1-1'], 1], 'it is shown without a source');
  const listed = await listPackages(toy.deps.db, suites, { part: 'toy-vendor' });
  assert.deepEqual(
    listed.items.map(({ source }) => source),
    ['toy-vendor'],
  );
  assert.equal((await take(first)).kind, 'accepted', 'its source joins it');
  assert.equal((await take(await upload('toy-vendor', '1:1-2'))).kind, 'accepted');
  assert.deepEqual(
    (await inSuite('stable')).filter((name) => name.startsWith('toy-vendor')),
    ['toy-vendor_1:1-2'],
  );
});

test('takeUpload holds names that the repository never had, until a person accepts or rejects them', async () => {
  const first = await upload('toy-n', '1', undefined, { suite: 'held' });
  const waiting = await takeUpload(
    deps,
    { suite: { ...held, distributions: ['held'] }, files: first.files, remote: true },
    now,
  );
  assert.equal(waiting.kind, 'new', JSON.stringify(waiting));
  const queue = await listNewUploads(archive.db, { all: false });
  assert.deepEqual(
    queue.map(({ source, names, signer }) => [source, names, signer]),
    [['toy-n', ['toy-n'], 'alice']],
  );
  assert.deepEqual(await inSuite('held'), []);
  const again = await takeUpload(
    deps,
    { suite: { ...held, distributions: ['held'] }, files: first.files, remote: true },
    now,
  );
  assert.ok(again.kind === 'new' && again.upload.id === queue[0]!.id);

  // The suite of the settings takes "stable" only: it is judged again when it is let in.
  const decision = { id: queue[0]!.id, by: 'root', reason: undefined };
  assert.match(reasonsOf(await acceptNew(deps, decision, now)), /is for "held"/);
  const fitting = await upload('toy-n', '1.1');
  const second = await takeUpload(deps, { suite: held, files: fitting.files, remote: true }, now);
  assert.ok(second.kind === 'new');
  assert.equal(second.upload.id, queue[0]!.id + 1, 'no number is lost');
  const accepted = await acceptNew(deps, { ...decision, id: second.upload.id }, now);
  assert.equal(accepted.kind, 'accepted', JSON.stringify(accepted));
  assert.deepEqual(await inSuite('held'), ['toy-n_1.1']);
  assert.deepEqual(await acceptNew(deps, { ...decision, id: second.upload.id }, now), {
    ...accepted,
    already: true,
    tagBuild: undefined,
  });
  // Its name is known now.
  assert.equal(
    (await takeUpload(deps, { suite: held, files: (await upload('toy-n', '1.2')).files, remote: true }, now)).kind,
    'accepted',
  );

  const rejected = await rejectNew(deps, { ...decision, reason: 'no licence' }, now);
  assert.deepEqual([rejected.state, rejected.decidedBy, rejected.reason], ['REJECTED', 'root', 'no licence']);
  const once = await takeUpload(deps, { suite: held, files: first.files, remote: true }, now);
  assert.match(reasonsOf(once), /rejected by root as NEW \d+: no licence/);
  await assert.rejects(acceptNew(deps, decision, now), { code: 'already-decided' });
  const { rows: told } = await toy.database.pool.query(
    `select message from event where kind = 'upload-rejected' and message like 'NEW%'`,
  );
  assert.match(told[0].message, /the upload of alice of toy-n 1 for held, was rejected by root: no licence/);
});

test('copyPackages copies a source with its binaries into another suite, once and never backwards', async () => {
  await take(await upload('toy-c', '2'));
  await publishSuite(archive, 'other', now);
  const request = { from: 'stable', to: 'other', packages: ['toy-c'], by: 'root', reason: 'tested', dryRun: false };
  const dry = await copyPackages(archive, { ...request, dryRun: true }, now);
  assert.ok(dry.kind === 'done' && dry.number === undefined);
  assert.deepEqual(dry.entering, ['toy-c 2 source', 'toy-c 2 amd64']);
  assert.deepEqual(await inSuite('other'), []);
  const done = await copyPackages(archive, request, now);
  assert.ok(done.kind === 'done' && done.number === 2);
  assert.deepEqual(await inSuite('other'), ['toy-c_2']);
  const again = await copyPackages(archive, request, now);
  assert.ok(again.kind === 'done' && again.entering.length === 0 && again.number === 2);
  await take(await upload('toy-c', '3'));
  await copyPackages(archive, request, now);
  assert.deepEqual(await inSuite('other'), ['toy-c_3']);
  const back = { ...request, from: 'other', to: 'stable' };
  await take(await upload('toy-c', '4'));
  const refused = await copyPackages(archive, back, now);
  assert.equal(refused.kind, 'refused');
  assert.deepEqual(refused.reasons, [
    'toy-c 3 amd64: suite "stable" has the higher version 4',
    'Source toy-c 3: suite "stable" has the higher version 4',
  ]);
  await assert.rejects(copyPackages(archive, { ...request, packages: ['nothing'] }, now), { code: 'not-in-suite' });
});

test('packages of which there is no source are copied and removed by what they say of it', async () => {
  const offer = { unsigned: 'root', withoutSource: true, remote: false };
  for (const version of ['1', '2']) {
    const { files } = await upload('toy-lone', version, undefined, { parts: 'binaries' });
    const deb = files.filter((file) => file.name.endsWith('.deb'));
    assert.equal((await takeUpload(deps, { ...offer, suite: feed, files: deb }, now)).kind, 'accepted');
  }
  const by = { by: 'root', reason: undefined, dryRun: false };
  const copy = { ...by, from: 'feed', to: 'other', packages: ['toy-lone'] };
  const copied = await copyPackages(archive, copy, now);
  assert.deepEqual(copied.kind === 'done' && copied.entering, ['toy-lone 2 amd64'], 'the highest');
  assert.ok((await inSuite('other')).includes('toy-lone_2'));
  await assert.rejects(copyPackages(archive, { ...copy, packages: ['toy-lone=3'] }, now), /source package toy-lone=3/);
  const removal = { ...by, suite: 'other', packages: ['toy-lone'], of: 'source' } as const;
  for (const leaving of [['toy-lone 2 amd64'], []]) {
    const removed = await removePackages(archive, removal, now);
    assert.deepEqual(removed.kind === 'done' && removed.leaving, leaving);
  }
  await assert.rejects(
    removePackages(archive, { ...removal, packages: ['toy-lone=3'] }, now),
    /source package toy-lone=3/,
    'a version that was never there',
  );
});

async function ways(source: string) {
  const { rows: found } = await toy.database.pool.query(
    `select id, state, version, origin, tag, signer, signature ->> 'kind' as kind, upload ->> 'by' as by,
       source_date_epoch::int as epoch from tag_build where source = $1 order by id`,
    [source],
  );
  return found;
}

test('takeUpload lets a source alone go the way of a tag, under a reserved version, and once', async () => {
  const source = await upload('toy-w', '1', undefined, { parts: 'source' });
  const taken = await take(source);
  assert.ok(taken.kind === 'accepted' && taken.isBuilding, JSON.stringify(taken));
  const [way, ...more] = await ways('toy-w');
  assert.deepEqual(more, []);
  assert.deepEqual(way, {
    ...{ id: taken.tagBuild, state: 'ACCEPTED', version: '1', origin: 'upload', tag: 'toy-w_1_amd64.changes' },
    ...{ signer: 'alice', kind: 'openpgp', by: 'signed by alice', epoch: Date.UTC(2026, 0, 1) / 1000 },
  });
  assert.equal((await findTagBuild(archive.db, taken.tagBuild!))?.upload?.by, 'signed by alice');
  const again = await take(source);
  assert.ok(again.kind === 'accepted' && again.already && !again.isBuilding);
  assert.equal((await ways('toy-w')).length, 1);
  const { rows: reserved } = await toy.database.pool.query(
    `select tree_object, tag_build::int from source_version where source = 'toy-w'`,
  );
  assert.deepEqual(reserved, [{ tree_object: `sha256:${source.files[0]!.sha256}`, tag_build: taken.tagBuild }]);
});

test('takeUpload has a source with all its packages at the end of its way at once', async () => {
  const taken = await take(await upload('toy-x', '1', [{ name: 'toy-x' }, { name: 'toy-x-doc', architecture: 'all' }]));
  assert.ok(taken.kind === 'accepted' && !taken.isBuilding);
  assert.deepEqual(
    (await ways('toy-x')).map((way) => way.state),
    ['DONE'],
  );
});

test('packageTimeline and packageStatuses tell the way of an upload', async () => {
  const steps = async (source: string) => {
    const { items } = await packageTimeline(archive.db, source, async () => undefined);
    return items.flatMap((item) => item.steps.map((step) => `${step.title}, ${step.state}: ${step.sentence}`));
  };
  const alone = await steps('toy-w');
  assert.match(alone[0]!, /^Uploaded, done: toy-w_1_amd64\.changes, signed by alice, was uploaded for suite stable\.$/);
  assert.match(alone[1]!, /^Signature verified, done: Signed by alice with the OpenPGP key/);
  assert.match(alone[2]!, /^Admitted, done: alice may release toy-w into stable/);
  assert.match(alone[3]!, /^Binary packages, waiting: Those that did not come with it are about to be queued/);
  const whole = await steps('toy-x');
  assert.match(whole[3]!, /the source package and 2 binary packages entered repository main/);
  assert.match(whole[4]!, /^Published, done: In the suite since snapshot stable@\d+/);
  assert.equal(whole.length, 5);
  assert.match(
    (await steps('rare'))[1]!,
    /^Without a signature, done: Nobody signed it: unsigned, vouched for by root/,
  );
  const axes = new Map([['stable', { architectures: ['amd64'], components: ['main'] }]]);
  const statuses = await packageStatuses(archive.db, axes, ['toy-w', 'toy-x']);
  assert.deepEqual(
    statuses.map(({ state, sentence }) => `${state}: ${sentence.replace(/@\d+/, '')}`),
    [
      'ACCEPTED: Its source package was uploaded; its build is about to be queued.',
      'PUBLISHED: Version 1 is in the suite since stable.',
    ],
  );
});

test('takeUpload lets only what did not come be built', async () => {
  const binaries = [{ name: 'toy-y' }, { name: 'toy-y-doc', architecture: 'all' }];
  const source = await toySource(blobs, 'toy-y', '1', binaries);
  const all = [...source, await toyDeb(blobs, 'toy-y', '1', binaries[1]!)];
  const taken = await take({ files: [...all, await sign(await toyChanges(blobs, 'toy-y', '1', all), key)] });
  assert.ok(taken.kind === 'accepted' && taken.isBuilding);
  const suite: Suite = { ...stable, architectures: [...stable.architectures, parseArchitecture('arm64')] };
  const left = (given: string[]) =>
    tasksLeft(['any', 'all'], suite, given).map((task) => Object.values(task).join(' '));
  assert.deepEqual(left([]), ['amd64 any+all', 'arm64 any']);
  assert.deepEqual(left(['all']), ['amd64 any', 'arm64 any']);
  assert.deepEqual(left(['amd64']), ['amd64 all', 'arm64 any']);
  assert.deepEqual(left(['amd64', 'all']), ['arm64 any']);
  assert.deepEqual(left(['arm64', 'amd64', 'all']), []);
});

test('takeUpload refuses a version that was reserved for other content', async () => {
  await toy.database.pool.query(
    `with way as (insert into tag_build (repository, tag, suite, origin, received_at) values ('/g', 'debian/1', 'stable', 'cli', now())
       returning id) insert into source_version select 'toy-z', '1', 'aaaa', id from way`,
  );
  const before = await rows();
  const taken = await take(await upload('toy-z', '1', undefined, { parts: 'source' }));
  assert.match(reasonsOf(taken), /toy-z 1 was admitted before with other content \(aaaa, tag build \d+\)/);
  assert.ok(taken.kind === 'refused' && taken.because === 'conflict');
  assert.deepEqual(await rows(), before);
});

test('takeUpload has a source that was let in from NEW built', async () => {
  const source = await upload('toy-new', '1', undefined, { parts: 'source' });
  const waiting = await take(source, held);
  assert.ok(waiting.kind === 'new');
  assert.deepEqual(await ways('toy-new'), []);
  const accepted = await acceptNew(deps, { id: waiting.upload.id, by: 'root', reason: undefined }, now);
  assert.ok(accepted.kind === 'accepted' && accepted.isBuilding);
  assert.match((await ways('toy-new'))[0]!.by, /^signed by alice, NEW \d+ accepted by root$/);
});

const tag = (severity: LintianTag['severity'], name: string, overridden = false): LintianTag => ({
  ...{ severity, tag: name, overridden, file: 'toy-l_1_amd64.deb', context: '[opt/x]' },
});
const lintianSuite: Suite = { ...stable, lintian: true, lintianFatal: ['error', 'dir-or-file-in-opt'] };

test('takeUpload asks lintian about sound uploads only, keeps what it says, and says it', async () => {
  tags = [tag('warning', 'recommended-field'), tag('error', 'no-copyright-file', true)];
  looked.length = 0;
  await take(await upload('toy-l', '1', undefined, { by: stranger }), lintianSuite);
  await take(await upload('toy-l', '1'));
  assert.deepEqual(looked, []);
  const first = await upload('toy-l', '2');
  const taken = await take(first, lintianSuite);
  assert.ok(taken.kind === 'accepted');
  assert.deepEqual(taken.lintian, tags);
  assert.deepEqual(looked, [first.files.map((file) => file.name)]);
  await take(first, lintianSuite);
  assert.equal(looked.length, 1, 'the same again is no question');
  const { rows: events } = await toy.database.pool.query(
    `select message from event where kind = 'package-accepted' and source = 'toy-l' order by id desc limit 1`,
  );
  assert.match(events[0].message, /signed by alice, lintian: 1 warning: source/);
});

test('takeUpload refuses fatal tags, with each as a reason, and an upload that lintian cannot look at', async () => {
  const before = await rows();
  for (const [found, fatal] of [
    [tag('error', 'no-changelog'), true],
    [tag('warning', 'dir-or-file-in-opt'), true],
    [tag('warning', 'dir-or-file-in-opt', true), true],
    [tag('error', 'no-changelog', true), false],
    [tag('info', 'no-changelog'), false],
  ] as const) {
    tags = [found];
    const taken = await take(await upload('toy-f', '1', [{ name: 'toy-f', architecture: 'arm64' }]), lintianSuite);
    assert.ok(taken.kind === 'refused' && taken.because === 'files', 'what is not sound is not looked at');
    const sound = await take(await upload('toy-f', fatal ? '1' : `2+${found.severity}`), lintianSuite);
    assert.equal(sound.kind, fatal ? 'refused' : 'accepted', JSON.stringify(found));
    if (sound.kind !== 'refused') continue;
    assert.equal(sound.because, 'lintian');
    assert.match(sound.reasons.join(), /^lintian: [EWO] toy-l_1_amd64\.deb: \S+ \[opt\/x\]$/);
  }
  assert.equal((await rows()).s - before.s, 2);
  tags = new SheafError('lintian-failed', 'lintian could not look at the upload: it was too long');
  const failed = await take(await upload('toy-f', '3'), lintianSuite);
  assert.match(reasonsOf(failed), /could not look at the upload/);
  assert.ok(failed.kind === 'refused' && failed.because === 'lintian');
  tags = new SheafError('lintian-missing', 'no lintian', { kind: 'environment' });
  await assert.rejects(take(await upload('toy-f', '4'), lintianSuite), { code: 'lintian-missing' });
  tags = [];
});

test('takeUpload shows what lintian said in the NEW queue, and does not ask again when it is let in', async () => {
  tags = [tag('warning', 'recommended-field')];
  const both: Suite = { ...held, lintian: true };
  suites.set(both.name, both);
  const waiting = await take(await upload('toy-nl', '1'), both);
  assert.ok(waiting.kind === 'new');
  assert.deepEqual(waiting.upload.lintian, tags);
  looked.length = 0;
  const accepted = await acceptNew(deps, { id: waiting.upload.id, by: 'root', reason: undefined }, now);
  assert.ok(accepted.kind === 'accepted', JSON.stringify(accepted));
  assert.deepEqual(accepted.lintian, tags);
  assert.deepEqual(looked, []);
  tags = [];
});

test('takeUploads takes each upload of many whole or not at all, and publishes once', async () => {
  const bare = async (source: string, version: string, binaries: readonly ToyBinary[] = [{ name: source }]) => {
    const { files } = await upload(source, version, binaries, { by: null });
    const isDeb = ({ name }: InputFile) => name.endsWith('.deb');
    return {
      source: files.filter((file) => !isDeb(file) && !file.name.endsWith('.changes')),
      debs: files.filter(isDeb),
    };
  };
  const published = async () => (await toy.database.pool.query(`select count(*)::int from snapshot`)).rows[0].count;
  const one = await bare('toy-many1', '1', [{ name: 'toy-many1' }, { name: 'toy-many-doc' }]);
  const two = await bare('toy-many2', '1');
  const next = await bare('toy-many2', '2');
  const thief = await bare('toy-many3', '1', [{ name: 'toy-many1' }]);
  const other = await toySource(blobs, 'toy-many1', '1', [{ name: 'toy-many1' }], { salt: 'other' });
  const offers = [
    one.source,
    two.source,
    other,
    next.source,
    thief.source,
    [one.debs[0]!],
    next.debs,
    two.debs,
    thief.debs,
    [one.debs[1]!],
    one.source,
  ];
  const before = await published();
  const parts = [offers.map((files) => ({ files, unsigned: 'root', remote: false }))];
  const taken = await takeUploads(deps, stable, parts, () => now);
  assert.deepEqual(
    taken.map((each) =>
      each.kind === 'accepted' ? [each.source, each.version, each.packages, each.already] : each.kind,
    ),
    [
      ['toy-many1', '1', [], false],
      ['toy-many2', '1', [], false],
      'refused',
      ['toy-many2', '2', [], false],
      ['toy-many3', '1', [], false],
      ['toy-many1', '1', ['toy-many1_1_amd64'], false],
      ['toy-many2', '2', ['toy-many2_2_amd64'], false],
      'refused',
      'refused',
      ['toy-many1', '1', ['toy-many-doc_1_amd64'], false],
      ['toy-many1', '1', [], true],
    ],
  );
  assert.match(reasonsOf(taken[2]!), /toy-many1_1\.dsc: it was accepted before with other bytes/);
  assert.match(reasonsOf(taken[7]!), /toy-many2_1_amd64\.deb: suite "stable" has the higher version 2/);
  assert.match(reasonsOf(taken[8]!), /source toy-many1 builds this package, not toy-many3/);
  assert.equal(await published(), before + 1);
  assert.deepEqual(
    (await inSuite('stable')).filter((name) => name.startsWith('toy-many')),
    ['toy-many-doc_1', 'toy-many1_1', 'toy-many2_2'],
  );
  assert.deepEqual(
    (await ways('toy-many1')).map(({ state, by }) => [state, by]),
    [['DONE', 'unsigned, vouched for by root']],
  );
  const rowsBefore = await rows();
  const again = await takeUploads(deps, stable, parts, () => now);
  assert.ok(again.every((each) => each.kind === 'refused' || (each.kind === 'accepted' && each.already)));
  assert.deepEqual(await rows(), rowsBefore);
  assert.equal(await published(), before + 1);
});

test('takeUploads publishes what it has accepted when what follows cannot be read', async () => {
  const { files } = await upload('toy-torn', '1', undefined, { by: null });
  const offer = { files: files.filter((file) => !file.name.endsWith('.changes')), unsigned: 'root', remote: false };
  async function* parts() {
    yield [offer];
    throw new Error('the disk is gone');
  }
  await assert.rejects(
    takeUploads(deps, stable, parts(), () => now),
    /the disk is gone/,
  );
  assert.ok((await inSuite('stable')).includes('toy-torn_1'));
});
