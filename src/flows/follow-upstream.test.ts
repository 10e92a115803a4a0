import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';

import { testDatabase, type TestDatabase } from '../../test/database.ts';
import { FakeArchive, misbehaviours as bad, type PublishOptions } from '../../test/fake-mirror.ts';
import { fakeUpstream, followWorld, type FollowWorld, type KilledFollow } from '../../test/follow-world.ts';
import { entriesAt, findSnapshot, indexesAt, listSnapshots } from '../history/mod.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import type { Upstream } from '../model/distribution.ts';
import { listChecks } from '../sync/mod.ts';
import { followUpstream, type FollowOptions, type FollowProgress } from './follow-upstream.ts';

const hour = 3600_000;
const start = new Date('2026-09-12T07:00:00Z');

let database: TestDatabase;
let archive: FakeArchive;
let root: string;
let directory: string;
let world: FollowWorld;
let now: Date;
let count = 0;
let suite: string;

before(async () => {
  database = await testDatabase();
  archive = await FakeArchive.start();
  root = await mkdtemp(join(tmpdir(), 'sheaf-follow-'));
  directory = join(root, 'state');
  world = await followWorld(directory, database.db, () => now, { stall: 1000 });
});
after(async () => {
  await world.close();
  await archive.close();
  await database.close();
  await rm(root, { recursive: true });
});
beforeEach(() => {
  archive.mirror.behave();
  archive.mirror.requests.length = 0;
  // A suite of its own for each test; time goes on, because the upstream's last look is common to all.
  suite = `suite-${++count}`;
  now = new Date(start.getTime() + count * 24 * hour);
});

const packages = (names: readonly string[], version = '1') =>
  names
    .map(
      (name) =>
        `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nFilename: pool/${name}_${version}.deb\nSize: 10\n` +
        `SHA256: ${sha256(`${name} ${version}`)}\nDescription: the package ${name}\n\n`,
    )
    .join('');
const sources = (names: readonly string[], version = '1') =>
  names
    .map((name) => {
      const file = `${sha256(`dsc ${name} ${version}`)} 5 ${name}_${version}.dsc`;
      return `Package: ${name}\nBinary: ${name}\nVersion: ${version}\nArchitecture: any\nDirectory: pool\nChecksums-Sha256:\n ${file}\n\n`;
    })
    .join('');

const many = Array.from({ length: 400 }, (_, index) => `package-${String(index).padStart(3, '0')}`);
/** Of another content in each test: what the store has is not fetched. */
const indexes = (names = many, version = `1.${count}`) => ({
  'main/binary-amd64/Packages': packages(names, version),
  'main/source/Sources': sources(['package'], version),
});

const publish = (content: Readonly<Record<string, string>> = indexes(), options: Partial<PublishOptions> = {}) =>
  archive.publish(suite, content, { date: now, ...options });

const upstream = (more: Partial<Upstream> = {}) =>
  fakeUpstream(archive.mirror.url, archive.keyring, { suites: [suite], ...more });

async function follow(more: Partial<Upstream> = {}, options: FollowOptions = {}) {
  const [report] = await followUpstream(world, upstream(more), options);
  return report!;
}

const later = (hours = 1) => (now = new Date(now.getTime() + hours * hour));
const ref = () => ({ origin: 'toy', suite });
const newest = () => findSnapshot(database.db, ref());
const base = () => `dists/${suite}/`;
const paths = () => archive.mirror.asked().map((path) => path.replace(base(), ''));
const byHash = (path: string) => path.includes('by-hash');

describe('followUpstream', () => {
  it('brings a suite into the history: Release, indexes, packages, and who signed', async () => {
    const text = await publish();
    const progress: FollowProgress[] = [];
    const report = await follow({}, { onProgress: (each) => progress.push(each) });
    assert.equal(report.outcome, 'new', report.message);
    assert.equal(report.indexes, 2);
    assert.ok(report.bytes > 1000);
    const snapshot = await newest();
    assert.equal(snapshot?.snapshotId, report.snapshotId);
    assert.deepEqual(snapshot?.signedBy, [archive.signer.fingerprint]);
    const kept = await world.store.read(snapshot!.release!);
    assert.deepEqual(kept, Buffer.from(archive.mirror.files.get(`${base()}InRelease`)!));
    assert.ok(kept.toString().includes(text));
    const at = await indexesAt(database.db, snapshot!);
    assert.deepEqual(at.map(({ path }) => path).toSorted(), Object.keys(indexes()));
    for (const { path, sha256: digest } of at) {
      const content: Record<string, string> = indexes();
      assert.equal((await world.store.read(digest)).toString(), content[path]);
    }
    const found = await entriesAt(world, snapshot!, { name: 'package-007' });
    assert.equal(found[0]?.version, `1.${count}`);
    assert.deepEqual([...new Set(progress.map(({ phase }) => phase))], ['release', 'indexes', 'recording']);
    const last = progress.filter(({ phase }) => phase === 'indexes').at(-1)!;
    assert.equal(last.done, last.total);
    assert.deepEqual(
      await readdir(join(directory, 'partial')).then((names) => names.filter((name) => name !== 'validators')),
      [],
    );
    const [check] = await listChecks(database.db, { upstream: 'toy', suite, limit: 1 });
    assert.deepEqual(
      { ...check, id: 0 },
      {
        ...{ id: 0, upstream: 'toy', suite, startedAt: now, finishedAt: now, outcome: 'new', code: undefined },
        ...{ message: report.message, snapshotId: report.snapshotId, release: snapshot!.release, bytes: report.bytes },
      },
    );
  });

  it('asks only for InRelease, conditionally, when nothing is new', async () => {
    await publish();
    await follow();
    archive.mirror.requests.length = 0;
    later();
    const report = await follow();
    assert.deepEqual([report.outcome, report.indexes, report.bytes], ['unchanged', 0, 0]);
    assert.deepEqual(
      archive.mirror.requests.map(({ path, status }) => [path.replace(base(), ''), status]),
      [['InRelease', 304]],
    );
    assert.equal((await listSnapshots(database.db, ref(), { limit: 9 })).length, 1);
  });

  it('fetches only the indexes that changed, and counts what did', async () => {
    await publish();
    await follow();
    later();
    await publish({ ...indexes(), 'main/binary-amd64/Packages': packages([...many, 'zebra'], `1.${count}`) });
    archive.mirror.asked();
    const report = await follow();
    assert.equal(report.outcome, 'new');
    assert.equal(report.indexes, 1);
    assert.equal(report.changes?.binary.added, 1);
    assert.equal(paths().filter(byHash).length, 1);
    assert.equal((await listSnapshots(database.db, ref(), { limit: 9 })).length, 2);
  });

  it('adds what is followed anew to a version that is known', async () => {
    const content = {
      ...indexes(),
      'main/i18n/Translation-de': 'Package: a\nDescription-md5: 0\nDescription-de: b\n\n',
    };
    await publish(content);
    await follow();
    later();
    const report = await follow({ translations: ['de'] });
    assert.equal(report.outcome, 'new', report.message);
    assert.equal((await indexesAt(database.db, (await newest())!)).length, 3);
    later();
    assert.equal((await follow({ translations: ['de'] })).outcome, 'unchanged');
  });

  it('takes every compression, and an uncompressed index whose hash nobody told', async () => {
    for (const compressions of [['.zst'], ['.bz2'], ['.gz'], ['']] as const) {
      later();
      await publish(indexes(many, String(now.getTime())), { compressions, listPlain: false });
      const report = await follow();
      assert.equal(report.outcome, 'new', `${compressions[0]}: ${report.message}`);
      later();
      archive.mirror.asked();
      assert.equal((await follow()).outcome, 'unchanged');
      assert.deepEqual(paths(), ['InRelease']);
    }
  });

  it('finds indexes by name where the archive has none by hash, and by hash alone while it is updated', async () => {
    await publish(indexes(), { byHash: false });
    assert.equal((await follow()).outcome, 'new');
    assert.ok(!paths().some(byHash));
    later();
    await publish(indexes(many, `2.${count}`));
    for (const name of ['Packages.xz', 'Packages.gz']) {
      archive.mirror.files.set(`${base()}main/binary-amd64/${name}`, Buffer.from('of another day'));
    }
    assert.equal((await follow()).outcome, 'new');
  });

  it('goes from by-hash to the name, and from one compression to the next', async () => {
    await publish();
    archive.mirror.misbehave(/by-hash/, bad.status(404));
    archive.mirror.misbehave(/Packages\.xz$/, bad.status(404));
    assert.equal((await follow()).outcome, 'new');
    const asked = paths().map((path) => path.replace(/by-hash\/.*/, 'by-hash'));
    assert.deepEqual(
      asked.filter((path) => path.startsWith('main/binary')),
      ['by-hash', 'Packages.xz', 'by-hash', 'Packages.gz'].map((name) => `main/binary-amd64/${name}`),
    );
  });

  it('takes Release with Release.gpg where there is no InRelease, and keeps both', async () => {
    const text = await publish(indexes(), { signature: 'detached' });
    const report = await follow();
    assert.equal(report.outcome, 'new', report.message);
    const snapshot = (await newest())!;
    assert.equal((await world.store.read(snapshot.release!)).toString(), text);
    const signature = (await indexesAt(database.db, snapshot)).find(({ path }) => path === 'Release.gpg')!;
    assert.deepEqual(
      await world.store.read(signature.sha256),
      Buffer.from(archive.mirror.files.get(`${base()}Release.gpg`)!),
    );
    later();
    assert.equal((await follow()).outcome, 'unchanged');
    // Signed again, and inside the file now: still the same version.
    archive.mirror.files.set(`${base()}Release.gpg`, Buffer.from(await archive.signer.detach(Buffer.from(text), now)));
    assert.equal((await follow()).outcome, 'unchanged');
    archive.mirror.files.set(`${base()}InRelease`, Buffer.from(await archive.signer.clearsign(text, now)));
    assert.equal((await follow()).outcome, 'unchanged');
  });

  it('refuses suites that sheaf.toml does not name', async () => {
    await assert.rejects(follow({}, { suites: ['other'] }), { code: 'unknown-suite', kind: 'usage' });
  });
});

describe('followUpstream refuses', () => {
  async function refused(code: string, more: Partial<Upstream> = {}) {
    const before = await newest();
    const report = await follow(more);
    assert.deepEqual([report.outcome, report.code], ['refused', code], report.message);
    assert.match(report.message, /^[A-Z].*\. [A-Z].*\.$/s);
    assert.deepEqual(await newest(), before);
    const [check] = await listChecks(database.db, { upstream: 'toy', suite, limit: 1 });
    assert.deepEqual([check!.outcome, check!.code, check!.message], ['refused', code, report.message]);
    // The evidence.
    const kept = await world.store.read(check!.release!);
    const files = ['InRelease', 'Release'].map((name) => archive.mirror.files.get(`${base()}${name}`));
    assert.ok(files.some((file) => file !== undefined && kept.equals(file)));
    assert.ok(!paths().some((path) => path.includes('Packages')));
  }

  it('an unsigned Release file', async () => {
    await publish(indexes(), { signature: 'none' });
    await refused('unsigned');
    await publish(indexes(), { signature: 'detached' });
    archive.mirror.files.delete(`${base()}Release.gpg`);
    await refused('unsigned');
  });

  it('one signed by a stranger, and one that was changed after it was signed', async () => {
    await publish(indexes(), { signer: await archive.makeSigner(`stranger-${count}`) });
    await refused('unknown-key');
    const text = await publish();
    assert.ok(text.includes('Components: main'));
    const signed = Buffer.from(archive.mirror.files.get(`${base()}InRelease`)!).toString();
    archive.mirror.files.set(`${base()}InRelease`, Buffer.from(signed.replace('Components: main', 'Components: evil')));
    await refused('bad-signature');
  });

  it('an expired one, also when the mirror only says that nothing changed', async () => {
    const validUntil = new Date(now.getTime() + 2 * hour);
    await publish(indexes(), { validUntil });
    assert.equal((await follow()).outcome, 'new');
    later(3);
    paths();
    await refused('release-expired');
    assert.equal((await follow({ expired: 'accept' })).outcome, 'unchanged');
  });

  it('an older one than was seen, even when that one could not be fetched whole', async () => {
    await publish();
    await follow();
    const old = new Map(archive.mirror.files);
    later();
    await publish(indexes(many, `2.${count}`));
    await follow();
    const replay = Buffer.from(old.get(`${base()}InRelease`)!);
    archive.mirror.files.set(`${base()}InRelease`, replay);
    paths();
    await refused('release-replayed');
    later();
    await publish(indexes(many, `3.${count}`));
    archive.mirror.misbehave(/Packages/, bad.status(404));
    archive.mirror.misbehave(/by-hash/, bad.status(404));
    assert.equal((await follow()).code, 'mirror-inconsistent');
    archive.mirror.behave();
    later();
    const middle = new Map(archive.mirror.files);
    await publish(indexes(many, `2.${count}`), { date: new Date(now.getTime() - 1.5 * hour) });
    paths();
    await refused('release-replayed');
    archive.mirror.files.set(`${base()}InRelease`, middle.get(`${base()}InRelease`)!);
    assert.equal((await follow()).outcome, 'new');
  });

  it('another text with the same date', async () => {
    await publish();
    await follow();
    await publish(indexes(many, `2.${count}`));
    paths();
    await refused('release-altered');
  });

  it('a date in the future, and any at all when the clock was set back', async () => {
    await publish(indexes(), { date: new Date(now.getTime() + hour) });
    // Its signature would be from the future too: that of the Release file is judged first.
    const future = Buffer.from(archive.mirror.files.get(`${base()}InRelease`)!);
    await refused('bad-signature');
    const text = Buffer.from(future).toString().split('\n\n')[1]!.split('-----')[0]!;
    archive.mirror.files.set(`${base()}InRelease`, Buffer.from(await archive.signer.clearsign(text, now)));
    await refused('release-from-future');
    await publish();
    assert.equal((await follow()).outcome, 'new');
    const right = now;
    now = new Date(now.getTime() - hour);
    await publish(indexes(), { date: new Date(now.getTime() - hour) });
    paths();
    await refused('clock-set-back');
    now = right;
  });

  it('a clock set back since the last look, unless it is told that the clock is right', async () => {
    await publish();
    later(48);
    assert.equal((await follow()).outcome, 'new');
    now = new Date(now.getTime() - 24 * hour);
    paths();
    await refused('clock-set-back');
    assert.equal((await follow({}, { trustClock: true })).outcome, 'unchanged');
    // Said once is enough.
    assert.equal((await follow()).outcome, 'unchanged');
  });

  it('another suite than was asked for', async () => {
    await publish(indexes(), { suite: 'stable', codename: 'bookworm' });
    await refused('wrong-suite');
  });

  it('one without a followed component, without SHA-256, and one that cannot be read', async () => {
    await publish();
    await refused('index-not-listed', { components: ['main', 'contrib'] });
    const put = async (text: string) =>
      archive.mirror.files.set(`${base()}InRelease`, Buffer.from(await archive.signer.clearsign(text, now)));
    await put(`Suite: ${suite}\nDate: ${now.toUTCString()}\nMD5Sum:\n x 1 y\n`);
    await refused('no-sha256');
    await put('rubbish\n');
    await refused('bad-release');
  });
});

describe('followUpstream and bad mirrors', () => {
  async function failed(code: string, more: Partial<Upstream> = {}) {
    const before = await newest();
    const report = await follow(more);
    assert.deepEqual([report.outcome, report.code], ['failed', code], report.message);
    assert.deepEqual(await newest(), before);
    const [check] = await listChecks(database.db, { upstream: 'toy', suite, limit: 1 });
    assert.deepEqual([check!.outcome, check!.code, check!.message], ['failed', code, report.message]);
    return report;
  }

  it('waits for the end of an update that is under way', async () => {
    await publish(indexes(), { byHash: false });
    // The Release file of tomorrow came first.
    const old = new Map(archive.mirror.files);
    later();
    await publish(indexes(many, `2.${count}`), { byHash: false });
    const arrived = new Map(archive.mirror.files);
    for (const [path, bytes] of old) if (!path.endsWith('InRelease')) archive.mirror.files.set(path, bytes);
    const progress: FollowProgress[] = [];
    const report = await follow(
      {},
      {
        onProgress: (each) => {
          progress.push(each);
          if (each.phase === 'waiting') for (const [path, bytes] of arrived) archive.mirror.files.set(path, bytes);
        },
      },
    );
    assert.equal(report.outcome, 'new', report.message);
    assert.ok(progress.some(({ phase }) => phase === 'waiting'));
    const again = archive.mirror.requests.filter(({ path }) => path.endsWith('InRelease')).at(-1)!;
    assert.equal(again.headers['cache-control'], 'no-cache');
  });

  it('gives up on an update that does not end, and stores nothing wrong', async () => {
    await publish(indexes(), { byHash: false });
    const old = new Map(archive.mirror.files);
    later();
    const content = indexes(many, 'another');
    await publish(content, { byHash: false });
    for (const [path, bytes] of old) if (!path.endsWith('InRelease')) archive.mirror.files.set(path, bytes);
    const report = await failed('mirror-inconsistent');
    assert.match(report.message, /Packages as the Release file lists it/);
    for (const text of Object.values(content)) assert.equal(await world.store.info(sha256(text)), undefined);
  });

  it('refuses half an index and a wrong one, and takes the right one afterwards', async () => {
    const content = indexes(many, `half-${count}`);
    await publish(content, { compressions: ['.xz'] });
    for (const [code, fault] of [
      ['mirror-unreachable', bad.half()],
      ['mirror-inconsistent', bad.sends('x'.repeat(100))],
      ['mirror-unreachable', bad.status(500)],
      ['mirror-busy', bad.status(503, { 'retry-after': '86400' })],
    ] as const) {
      archive.mirror.behave();
      archive.mirror.misbehave(/Packages|binary-amd64/, fault);
      await failed(code);
      assert.equal(await world.store.info(sha256(content['main/binary-amd64/Packages'])), undefined);
    }
    archive.mirror.behave();
    assert.equal((await follow()).outcome, 'new');
  });

  it('goes on where a broken download ended, in the next run', async () => {
    await publish(indexes(many, `resume-${count}`), { compressions: ['.gz'] });
    archive.mirror.misbehave(/binary-amd64/, bad.breaks(0.5), 1);
    archive.mirror.misbehave(/binary-amd64/, bad.status(500));
    await failed('mirror-unreachable');
    archive.mirror.behave();
    archive.mirror.requests.length = 0;
    assert.equal((await follow()).outcome, 'new');
    const ranges = archive.mirror.requests.map(({ headers }) => headers.range).filter((range) => range !== undefined);
    assert.equal(ranges.length, 1);
    assert.match(ranges[0]!, /^bytes=[1-9]\d+-$/);
  });

  it('says when an archive contradicts itself, and when an index would be larger than it says', async () => {
    const xz = archive.mirror.files;
    await publish(indexes(many, `lie-${count}`), { compressions: ['.gz'] });
    const honest = Buffer.from(xz.get(`${base()}InRelease`)!).toString();
    const lie = async (change: (line: string) => string) => {
      const text = honest
        .split('\n\n')[1]!
        .split('-----')[0]!
        .replace(/^ .*Packages$/m, change);
      xz.set(`${base()}InRelease`, Buffer.from(await archive.signer.clearsign(text, now)));
    };
    await lie((line) => line.replace(/^ \w{64}/, ` ${'0'.repeat(64)}`));
    await failed('index-mismatch');
    await lie((line) => line.replace(/^( \w{64}) +\d+/, '$1 5'));
    await failed('over-limit');
  });

  it('fails in words when there is nobody, nothing, or no keyring', async () => {
    await failed('release-missing');
    await failed('keyring-unreadable', (await publish(), { keyring: join(root, 'none.gpg') }));
    await failed('mirror-unreachable', { url: 'http://127.0.0.1:1/debian' });
  });

  it('goes on with the next suite after a failure', async () => {
    await publish();
    const reports = await followUpstream(world, upstream({ suites: [`${suite}-none`, suite] }));
    assert.deepEqual(
      reports.map(({ outcome }) => outcome),
      ['failed', 'new'],
    );
  });

  it('can be called off, and is recorded as nothing', async () => {
    await publish();
    archive.mirror.misbehave(/binary/, bad.stalls());
    const stop = new AbortController();
    const onProgress = ({ done }: FollowProgress) => {
      if (done !== undefined) setImmediate(() => stop.abort());
    };
    await assert.rejects(follow({}, { signal: stop.signal, onProgress }), { code: 'aborted' });
    assert.deepEqual(await listChecks(database.db, { suite, limit: 1 }), []);
    archive.mirror.behave();
    assert.equal((await follow()).outcome, 'new');
  });

  it('is followed by one process at a time', async () => {
    await publish();
    const other = await followWorld(directory, database.db, () => now);
    try {
      const waited: string[] = [];
      const onProgress = ({ phase }: FollowProgress) => void (phase === 'waiting' && waited.push(phase));
      const both = await Promise.all([
        followUpstream(world, upstream()),
        followUpstream(other, upstream(), { onProgress }),
      ]);
      assert.deepEqual(both.map(([report]) => report!.outcome).toSorted(), ['new', 'unchanged']);
      assert.equal(paths().filter((path) => path.includes('binary-amd64')).length, 1);
    } finally {
      await other.close();
    }
  });
});

describe('followUpstream and patches', () => {
  const texts = [1, 2, 3].map((version) => packages([...many.slice(version), ...['x', 'y', 'z'].slice(0, version)]));
  const path = 'main/binary-amd64/Packages';

  async function patched(merged: boolean, spoil: () => void = () => {}) {
    const rest = { 'main/source/Sources': sources(['package'], suite) };
    const mine = texts.map((text) => `${text}Package: own-${suite}\nVersion: 1\nArchitecture: amd64\n\n`);
    await publish({ ...rest, [path]: mine[0]! });
    assert.equal((await follow()).outcome, 'new');
    later();
    const index = await archive.patches(suite, path, mine, merged);
    await publish({ ...rest, [path]: mine[2]! }, { extraFiles: { [`${path}.diff/Index`]: index } });
    spoil();
    paths();
    const report = await follow();
    assert.equal(report.outcome, 'new', report.message);
    assert.ok((await world.store.info(sha256(mine[2]!))) !== undefined);
    return paths().filter((each) => each.startsWith('main/binary-amd64/'));
  }

  it('comes from one version to the next by patches, one after the other or merged', async () => {
    const [index, ...files] = await patched(false);
    assert.match(index!, /Packages\.diff\/by-hash/);
    assert.deepEqual(
      files.map((each) => each.replace(/.*diff\//, '')),
      ['2026-01-01-0000.00.gz', '2026-01-02-0000.00.gz'],
    );
    suite = `suite-${++count}`;
    assert.equal((await patched(true)).length, 2);
  });

  it('fetches the index whole when a patch is not there, or is not what it should be', async () => {
    const whole = (asked: readonly string[]) => /by-hash\/SHA256\/\w+$/.test(asked.at(-1)!);
    const spoils = [
      () => archive.mirror.misbehave(/diff\/2026/, bad.status(404)),
      () => archive.mirror.misbehave(/diff\/2026/, bad.sends('rubbish')),
      () => archive.mirror.misbehave(/diff\/by-hash|diff\/Index/, bad.status(404)),
    ];
    for (const spoil of spoils) {
      archive.mirror.behave();
      suite = `suite-${++count}`;
      assert.ok(whole(await patched(false, spoil)));
    }
  });
});

describe('followUpstream, killed', () => {
  /** The suite's first version, followed by a process that is killed at a step; true when it came to its end. */
  async function followAndDie(step: number): Promise<boolean> {
    const setup: KilledFollow = {
      ...{ directory, database: database.url, url: archive.mirror.url, keyring: archive.keyring, suite },
      ...{ now: now.toISOString(), step },
    };
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../../test/follow-world.ts'), JSON.stringify(setup)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
      child.once('close', (...ended) => resolve(ended)),
    );
    assert.ok(signal === 'SIGKILL' || code === 0, `${code} ${signal} ${said}`);
    return code === 0;
  }

  it('at any step, is finished by the next run', async () => {
    let ended = false;
    for (let step = 1; !ended; step += 3) {
      suite = `suite-${++count}`;
      later();
      const content = indexes(many.slice(0, 20), `killed-${step}`);
      await publish(content);
      ended = await followAndDie(step);
      const report = await follow();
      assert.equal(report.outcome, ended ? 'unchanged' : report.outcome, report.message);
      assert.ok(['new', 'unchanged'].includes(report.outcome), report.message);
      const at = await indexesAt(database.db, (await newest())!);
      const digests = new Map(at.map((each) => [each.path, each.sha256]));
      for (const [name, text] of Object.entries(content)) assert.equal(digests.get(name), sha256(text) as Sha256);
    }
  });
});
