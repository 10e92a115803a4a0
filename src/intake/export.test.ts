import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { TestRepository } from '../../test/git-repository.ts';
import { makeWorld, packageFiles, type World } from '../../test/intake-world.ts';
import { pipe } from '../../test/signers.ts';
import { parseSha256 } from '../kit/digest.ts';
import type { Admission } from '../model/tag-build.ts';
import { Blobs } from '../plumbing/blobs.ts';
import { openWorkingTree } from '../plumbing/git/working-tree.ts';
import { exportSource, exportWorkingTree, findTagBuild, finishTagBuild, listOpenTagBuilds } from './mod.ts';

let world: World;
let blobs: Blobs;
before(async () => {
  world = await makeWorld();
  blobs = new Blobs(join(world.directory, 'blobs'));
});
after(() => world.close());

async function admit(repository: TestRepository, tag: string): Promise<{ id: number; admission: Admission }> {
  await repository.tag(tag, world.people.alice);
  const { id, judgement } = await world.judge({ repository: repository.directory, tag });
  assert.equal(judgement.kind, 'ACCEPTED', JSON.stringify(judgement));
  const tagBuild = (await findTagBuild(world.database.db, id))!;
  if (judgement.kind !== 'ACCEPTED') throw new Error('not accepted');
  assert.deepEqual(tagBuild.admission, judgement.admission);
  return { id, admission: judgement.admission };
}

const listing = async (sha256: string) =>
  (await pipe(['tar', '-tvf', blobs.path(parseSha256(sha256)), '--numeric-owner', '--utc', '--full-time'])).toString();

describe('exportSource', () => {
  it('writes a native tree exactly as git has it, and the same bytes every time', async () => {
    const repository = await world.repository();
    await repository.commit(
      packageFiles('20.0', {
        '.gitattributes': 'hidden export-ignore\nversion export-subst\n*.txt text eol=crlf ident\n',
        hidden: 'here all the same\n',
        version: '$Format:%H$\n',
        'note.txt': '$Id$\n',
        link: { link: 'debian/rules' },
        [`long/${'x'.repeat(180)}/ü`]: 'long\n',
        empty: '',
        big: 'x'.repeat(300_000),
      }),
    );
    const { admission } = await admit(repository, 'debian/20.0');
    const request = { repository: repository.directory, tag: 'debian/20.0' };
    const first = await exportSource(world.deps, admission, request);
    assert.deepEqual(
      first.inputs.map(({ name }) => name),
      ['tree.tar'],
    );
    assert.deepEqual(await exportSource(world.deps, admission, request), first);

    const files = await listing(first.inputs[0]!.sha256);
    assert.match(files, /^-rwxr-xr-x 0\/0 +\d+ 2026-11-10 10:00:00 hello-20\.0\/debian\/rules$/m);
    assert.match(files, /^lrwxrwxrwx 0\/0 +0 2026-11-10 10:00:00 hello-20\.0\/link -> debian\/rules$/m);
    assert.ok(!/ 2026-11-10 10:00:00 (?!hello-20\.0\/)/.test(files));
    const unpacked = await mkdtemp('/tmp/sheaf-export-');
    try {
      await pipe(['tar', '-xf', blobs.path(first.inputs[0]!.sha256), '-C', unpacked]);
      await pipe([
        'git',
        '--no-pager',
        '-c',
        'core.autocrlf=false',
        'diff',
        '--no-index',
        '--exit-code',
        join(unpacked, 'hello-20.0/version'),
        join(repository.directory, 'version'),
      ]);
      await pipe([
        'diff',
        '-r',
        '--no-dereference',
        '--exclude=.git',
        join(unpacked, 'hello-20.0'),
        repository.directory,
      ]);
    } finally {
      await rm(unpacked, { recursive: true, force: true });
    }
  });

  it('writes the same bytes as exportWorkingTree of a checkout without changes', async () => {
    const repository = await world.repository();
    await repository.commit(
      packageFiles('20.1', { '.gitattributes': '*.txt text eol=crlf ident\n', 'note.txt': '$Id$\n' }),
    );
    const { admission } = await admit(repository, 'debian/20.1');
    const tagged = await exportSource(world.deps, admission, { repository: repository.directory, tag: 'debian/20.1' });
    const working = await openWorkingTree(repository.directory, await mkdtemp(join(world.directory, 'scratch-')));
    const local = await exportWorkingTree(world.deps, repository.directory, working);
    await working.objects.close();
    assert.deepEqual([local.inputs, local.control], [tagged.inputs, tagged.control]);
  });

  it('makes the upstream tarball once, and dpkg-source builds the package with it', async () => {
    const repository = await world.repository();
    await repository.commit({ 'hello.c': 'int main(void) { return 0; }\n', 'debian/old': 'upstream’s own\n' });
    await repository.tag('upstream/21.0', 'unsigned');
    await repository.commit(packageFiles('21.0-1'));
    const { admission } = await admit(repository, 'debian/21.0-1');
    const first = await exportSource(world.deps, admission, { repository: repository.directory, tag: 'debian/21.0-1' });
    assert.deepEqual(
      first.inputs.map(({ name }) => name),
      ['tree.tar', 'hello_21.0.orig.tar.gz'],
    );

    const directory = await mkdtemp('/tmp/sheaf-export-');
    try {
      for (const { name, sha256 } of first.inputs) await pipe(['cp', '--', blobs.path(sha256), join(directory, name)]);
      await pipe(['tar', '-xf', 'tree.tar'], '', { cwd: directory });
      await pipe(['dpkg-source', '-b', 'hello-21.0'], '', { cwd: directory });
      await pipe(['dpkg-source', '-x', 'hello_21.0-1.dsc', 'again'], '', { cwd: directory });
      await pipe(['diff', '-r', '--exclude=.pc', 'hello-21.0', 'again'], '', { cwd: directory });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }

    // The next revision takes the same tarball, though the upstream tag is gone.
    await repository.git(['tag', '-d', 'upstream/21.0']);
    await repository.commit(packageFiles('21.0-2'));
    const next = await admit(repository, 'debian/21.0-2');
    const second = await exportSource(world.deps, next.admission, {
      repository: repository.directory,
      tag: 'debian/21.0-2',
    });
    assert.deepEqual(second.inputs[1], first.inputs[1]);

    // A recorded tarball that is lost is not silently made anew.
    await rm(blobs.path(first.inputs[1]!.sha256));
    await assert.rejects(
      exportSource(world.deps, next.admission, { repository: repository.directory, tag: 'debian/21.0-2' }),
      { code: 'orig-missing' },
    );
  });

  it('fetches again when our copy was lost, and never exports anything else', async () => {
    const repository = await world.repository();
    await repository.commit(packageFiles('22.0'));
    const { admission } = await admit(repository, 'debian/22.0');
    const request = { repository: repository.directory, tag: 'debian/22.0' };
    const first = await exportSource(world.deps, admission, request);
    await rm(join(world.directory, 'git'), { recursive: true });
    assert.deepEqual(await exportSource(world.deps, admission, request), first);
    // Lost, and the tag moved meanwhile.
    await rm(join(world.directory, 'git'), { recursive: true });
    await repository.commit(packageFiles('22.0', { 'hello.c': 'other\n' }));
    await repository.tag('debian/22.0', world.people.alice);
    await assert.rejects(exportSource(world.deps, admission, request), { code: 'source-gone' });
    await mkdir(join(world.directory, 'git'), { recursive: true });
    await writeFile(join(repository.directory, '.git/HEAD'), 'broken');
    await assert.rejects(exportSource(world.deps, admission, request), { code: 'source-gone' });
  });
});

describe('finishTagBuild', () => {
  it('ends an admitted tag build once', async () => {
    const { db } = world.database;
    const repository = await world.repository();
    await repository.commit(packageFiles('23.0'));
    const { id } = await admit(repository, 'debian/23.0');
    assert.ok((await listOpenTagBuilds(db)).includes(id));
    for (const _ of [1, 2]) await finishTagBuild(db, world.distribution, id, world.clock.time);
    assert.equal((await findTagBuild(db, id))?.state, 'DONE');
    assert.ok(!(await listOpenTagBuilds(db)).includes(id));
    const events = await db.selectFrom('event').select('kind').where('tag_build', '=', id).orderBy('id').execute();
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['tag-received', 'tag-accepted', 'tag-done'],
    );
    assert.equal(await findTagBuild(db, 999_999), undefined);
  });
});
