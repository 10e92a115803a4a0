import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';

import { mirrorWorld, someMirror, type MirrorWorld } from '../../../../test/mirror-world.ts';
import { readSuite } from '../../../../test/published-tree.ts';
import { doubleCredentials, s3Double } from '../../../../test/s3-double.ts';
import { pushMirror } from '../../../flows/push-mirror.ts';
import type { Distribution, Mirror } from '../../../model/distribution.ts';
import { parseLabel } from '../../../model/names.ts';
import { withFileLock } from '../../../plumbing/file-lock.ts';
import { pathsOf } from '../../paths.ts';
import { add, formatAdded } from './add.ts';
import { mirrorDeps } from './deps.ts';
import { formatPushes, push } from './push.ts';
import { formatMirrors, formatStatus, readStatus } from './status.ts';

let world: MirrorWorld;
let scratch: string;

before(async () => {
  world = await mirrorWorld();
  scratch = await mkdtemp(join(tmpdir(), 'sheaf-mirrors-'));
  await world.publish();
});

after(async () => {
  await world.close();
  await rm(scratch, { recursive: true });
});

function houseWith(...mirrors: readonly Mirror[]) {
  const { directory, deps, database } = world.toy;
  const distribution: Distribution = {
    ...deps.distribution,
    mirrors: new Map(mirrors.map((each) => [each.name, each])),
  };
  const paths = { ...pathsOf(scratch), archive: join(directory, 'archive') };
  return {
    db: database.db,
    distribution,
    paths,
    storage: undefined,
    clock: { now: () => new Date('2026-11-21T12:00:00Z') },
  };
}

const mirror = (name: string, place: Mirror['place']): Mirror => ({ ...someMirror, name: parseLabel(name), place });

const settings = `name = "Grove"
[upstream.debian]
url = "http://deb.debian.org/debian"
suites = ["trixie"]
[repository.main]
[suite.stable]
architectures = ["amd64"]
`;

test('mirror add writes one table to the end of sheaf.toml, or says what is wrong', async () => {
  const directory = await mkdtemp(join(scratch, 'grove-'));
  const file = join(directory, 'sheaf.toml');
  await writeFile(file, settings);
  const added = await add(directory, 'cloud', { s3: 'https://s3.example.org/a/b', accessKey: 'ME', parallel: 8 });
  assert.equal(
    await readFile(file, 'utf8'),
    `${settings}\n[mirror.cloud]\ns3 = "https://s3.example.org/a/b"\naccess-key = "ME"\nparallel = 8\n`,
  );
  assert.deepEqual(added.mirror.place, {
    kind: 's3',
    bucket: 'https://s3.example.org/a/b',
    region: 'us-east-1',
    accessKey: 'ME',
    secretFile: join(directory, 'secrets/mirror-cloud'),
  });
  assert.match(formatAdded(added).join('\n'), /umask 077.*secrets\/mirror-cloud/);

  await add(directory, 'disk', { folder: join(directory, 'copy') });
  assert.match(await readFile(file, 'utf8'), /folder = "copy"\n$/);
  const before = await readFile(file, 'utf8');
  const bad: readonly [string, Parameters<typeof add>[2], RegExp][] = [
    ['disk', { folder: '/mnt' }, /has one of this name/],
    ['none', {}, /exactly one of folder, rsync and s3/],
    ['both', { folder: '/mnt', rsync: 'far:/srv' }, /exactly one/],
    ['option', { rsync: '--rsh=evil:x' }, /a host and a folder/],
    ['http', { s3: 'https://s3.example.org' }, /the address of a bucket/],
    ['other', { folder: '/mnt', repository: 'apps' }, /there is no repository "apps"/],
  ];
  for (const [name, options, message] of bad) {
    await assert.rejects(add(directory, name, options), { message, kind: 'usage' });
  }
  assert.equal(await readFile(file, 'utf8'), before);
});

test('mirror push and status say in plain sentences what has become of it', async () => {
  const folder = join(scratch, 'disk');
  const house = houseWith(
    mirror('disk', { kind: 'folder', folder }),
    mirror('broken', { kind: 'folder', folder: '/dev/null/nowhere' }),
  );
  assert.match(formatStatus(await readStatus(house, ['disk'])).join('\n'), /Nothing was pushed to it yet\./);
  const pushes = await push(house, [], { json: true });
  const text = formatPushes(pushes).join('\n');
  assert.match(
    text,
    /^disk: \d+ of \d+ names brought \(.*\); it shows stable@20261121T030100Z\nbroken: Cannot push to/,
  );
  assert.equal((await readSuite(folder, 'stable')).packages.length, 2);
  await world.publish();
  const states = await readStatus(house, []);
  assert.deepEqual(
    states.map(({ name, state }) => [name, state]),
    [
      ['disk', 'behind'],
      ['broken', 'failed'],
    ],
  );
  assert.match(states[0]!.sentence, /^It is behind: stable by 1 snapshot\.$/);
  assert.match(
    states[1]!.sentence,
    /stable is not there yet; the last push failed: Cannot push to \/dev\/null\/nowhere/,
  );
  assert.equal(formatMirrors(states).length, 3);
  await push(house, ['disk'], { json: true });
  assert.match(formatPushes(await push(house, ['disk'], { json: true })).join(), /nothing was missing/);
  assert.match((await readStatus(house, ['disk']))[0]!.sentence, /^It shows what is published here\.$/);
  await assert.rejects(push(house, ['nobody'], { json: true }), { code: 'unknown-mirror' });

  const own = houseWith(mirror('own', { kind: 'folder', folder: join(world.toy.directory, 'archive/main') }));
  const [inside] = await push(own, [], { json: true });
  assert.equal(inside!.outcome === 'failed' && inside!.code, 'mirror-inside');

  await withFileLock(join(scratch, 'state/mirrors/disk/lock'), async () => {
    const [busy] = await push(house, ['disk'], { json: true });
    assert.equal(busy!.outcome === 'failed' && busy!.code, 'mirror-busy');
  });
});

test("a bucket's secret comes from a closed file or the environment, and is nowhere shown", async () => {
  const double = await s3Double();
  try {
    const secretFile = join(scratch, 'secret');
    const place = { kind: 's3', bucket: double.url, region: 'us-east-1', secretFile } as const;
    const cloud = mirror('cloud', { ...place, accessKey: doubleCredentials.accessKey });
    const plain = { verify: false, delete: false };
    await writeFile(secretFile, `${doubleCredentials.secretKey}\n`, { mode: 0o644 });
    await assert.rejects(pushMirror(mirrorDeps(houseWith(cloud), {}), cloud, plain), { code: 'open-secret' });
    await rm(secretFile);
    const [missing] = await push(houseWith(cloud), [], { json: true });
    assert.ok(missing?.outcome === 'failed' && missing.message.startsWith(`${secretFile}: `), JSON.stringify(missing));
    await writeFile(secretFile, 'another', { mode: 0o600 });
    const [refused] = await push(houseWith(cloud), [], { json: true });
    assert.equal(refused!.outcome === 'failed' && refused!.code, 'mirror-denied');
    assert.ok(!JSON.stringify(refused).includes('another'));
    await writeFile(secretFile, `${doubleCredentials.secretKey}\n`);
    assert.equal((await push(houseWith(cloud), [], { json: true }))[0]!.outcome, 'pushed');

    const open = mirror('open', { ...place, accessKey: undefined });
    await assert.rejects(pushMirror(mirrorDeps(houseWith(open), {}), open, plain), { code: 'no-access-key' });
    const env = { AWS_ACCESS_KEY_ID: doubleCredentials.accessKey, AWS_SECRET_ACCESS_KEY: doubleCredentials.secretKey };
    assert.equal((await pushMirror(mirrorDeps(houseWith(open), env), open, plain)).brought, 0);
    for (const name of ['cloud', 'open']) {
      for (const file of ['manifest', 'last-push.json']) {
        const text = await readFile(join(scratch, 'state/mirrors', name, file), 'utf8');
        assert.ok(!text.includes(doubleCredentials.secretKey));
      }
    }
  } finally {
    await double.close();
  }
});
