import assert from 'node:assert/strict';
import { mkdtemp, mkdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { someMirror } from '../../../../test/mirror-world.ts';
import { toyDistribution } from '../../../../test/toy-archive.ts';
import type { Mirror } from '../../../model/distribution.ts';
import { parseLabel } from '../../../model/names.ts';
import { pathsOf } from '../../paths.ts';
import { checkPlace } from './place.ts';

let home: string;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'sheaf-place-'));
  await mkdir(join(home, 'grove/state/blobs'), { recursive: true });
  await symlink(join(home, 'grove/state/blobs'), join(home, 'link'));
});
after(() => rm(home, { recursive: true }));

const bucket = (address: string) =>
  ({ bucket: address, region: 'us-east-1', accessKey: undefined, secretFile: '/nowhere' }) as const;

function mirror(name: string, address: string, repository = 'main'): Mirror {
  const place: Mirror['place'] = address.startsWith('https:')
    ? { kind: 's3', ...bucket(address) }
    : address.startsWith('/')
      ? { kind: 'folder', folder: address }
      : { kind: 'rsync', remote: address, sshKey: undefined };
  return { ...someMirror, name: parseLabel(name), repository: parseLabel(repository), place };
}

async function check(address: string, other: Mirror): Promise<string> {
  const mine = mirror('mine', address);
  const grove = join(home, 'grove');
  const distribution = {
    ...toyDistribution(grove),
    mirrors: new Map([mine, other].map((each) => [each.name, each])),
    storage: { ...bucket('https://s3.example.org/grove/blobs'), cache: 0 },
  };
  return checkPlace(mine, { distribution, paths: pathsOf(grove) }).then(
    () => 'taken',
    (error: { code: string; message: string }) => `${error.code}: ${error.message.replace(/^.*?: it /, '')}`,
  );
}

test('checkPlace refuses a place in which something else is kept', async () => {
  const far = mirror('far', 'm@far.example.org:/srv/far');
  const cases: [address: string, other: Mirror, answer: string][] = [
    ['https://s3.example.org/grove/blobs/', far, 'mirror-inside: is the bucket of [storage]'],
    ['https://s3.example.org/grove', far, 'mirror-inside: is around the bucket of [storage]'],
    ['https://s3.example.org/grove/blobs-not', far, 'taken'],
    ['https://s3.example.org/grove/main', far, 'taken'],
    [join(home, 'link'), far, "mirror-inside: is inside the distribution's own folder"],
    [home, far, "mirror-inside: is around the distribution's own folder"],
    ['/', far, "mirror-inside: is around the distribution's own folder"],
    [join(home, 'out'), mirror('other', join(home, 'out/other')), 'mirror-inside: is around mirror "other"'],
    [join(home, 'out'), mirror('other', join(home, 'output')), 'taken'],
    [join(home, 'out'), mirror('other', join(home, 'out'), 'other'), 'mirror-inside: is mirror "other"'],
    [join(home, 'out'), mirror('twin', join(home, 'out')), 'taken'],
    ['m@far.example.org:/srv/far/x', far, 'mirror-inside: is inside mirror "far"'],
    ['n@far.example.org:/srv/far', far, 'taken'],
  ];
  for (const [address, other, answer] of cases) assert.equal(await check(address, other), answer, address);
});
