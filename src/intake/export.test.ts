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

async function signed(repository: TestRepository, tag: string): Promise<string> {
  await repository.tag(tag, world.people.alice);
  return tag;
}

/** What becomes of a tag whose source package cannot be made. */
async function failSource(tagBuild: number): Promise<void> {
  const job = { kind: 'source', architecture: 'amd64', builds: 'source', spec: '{}', max_attempts: 1 } as const;
  const values = { ...job, tag_build: tagBuild, state: 'Build-Attempted', created_at: world.clock.time } as const;
  await world.database.db.insertInto('job').values(values).execute();
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
    const request = { repository: repository.directory, tag: 'debian/20.0', suite: 'stable' };
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
    const tagged = await exportSource(world.deps, admission, {
      repository: repository.directory,
      tag: 'debian/20.1',
      suite: 'stable',
    });
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
    const first = await exportSource(world.deps, admission, {
      repository: repository.directory,
      tag: 'debian/21.0-1',
      suite: 'stable',
    });
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
      suite: 'stable',
    });
    assert.deepEqual(second.inputs[1], first.inputs[1]);

    // A recorded tarball that is lost is not silently made anew.
    await rm(blobs.path(first.inputs[1]!.sha256));
    await assert.rejects(
      exportSource(world.deps, next.admission, {
        repository: repository.directory,
        tag: 'debian/21.0-2',
        suite: 'stable',
      }),
      { code: 'orig-missing' },
    );
  });

  it('makes the upstream tarball anew when no source package came of the first one', async () => {
    const repository = await world.repository();
    await repository.commit({ 'hello.c': 'old\n' });
    await repository.tag('upstream/25.0', 'unsigned');
    await repository.commit(packageFiles('25.0-1', { 'hello.c': 'new\n' }));
    const wrong = await admit(repository, 'debian/25.0-1');
    const request = { repository: repository.directory, tag: 'debian/25.0-1', suite: 'stable' };
    const first = await exportSource(world.deps, wrong.admission, request);

    await repository.git(['tag', '-f', 'upstream/25.0']);
    await repository.commit(packageFiles('25.0-2', { 'hello.c': 'new\n' }));
    // While the first one may still become a source package, its tarball is the one of both.
    const early = await world.judge({
      repository: repository.directory,
      tag: await signed(repository, 'debian/25.0-2'),
    });
    assert.ok(early.judgement.kind === 'ACCEPTED' && early.judgement.admission.upstreamTree === undefined);
    for (const { id } of [wrong, early]) await failSource(id);

    await repository.commit(packageFiles('25.0-3', { 'hello.c': 'new\n' }));
    const right = await admit(repository, 'debian/25.0-3');
    const second = await exportSource(world.deps, right.admission, { ...request, tag: 'debian/25.0-3' });
    assert.equal(second.inputs[1]?.name, 'hello_25.0.orig.tar.gz');
    assert.notEqual(second.inputs[1]?.sha256, first.inputs[1]?.sha256);
    assert.deepEqual(await exportSource(world.deps, right.admission, { ...request, tag: 'debian/25.0-3' }), second);
  });

  it('takes the upstream tarballs of a source package that the archive has, however it came there', async () => {
    const names = ['hello_26.0.orig.tar.xz', 'hello_26.0.orig.tar.xz.asc', 'hello_26.0.orig-doc.tar.xz'];
    const files = await Promise.all(
      ['hello_26.0-1.dsc', ...names, 'hello_26.0-1.debian.tar.xz'].map(async (name) => ({
        name,
        ...(await blobs.putBytes(`${name}\n`)),
      })),
    );
    await world.database.db
      .insertInto('source_package')
      .values({
        ...{ repository: 'main', name: 'hello', version: '1:26.0-1', component: 'main', stanza: '', directory: 'x' },
        ...{ files: JSON.stringify(files), accepted_at: world.clock.time },
      })
      .execute();
    const repository = await world.repository();
    await repository.commit(packageFiles('1:26.0-2'));
    const { admission } = await admit(repository, 'debian/1%26.0-2');
    const request = { repository: repository.directory, tag: 'debian/1%26.0-2', suite: 'stable' };
    const { inputs } = await exportSource(world.deps, admission, request);
    assert.deepEqual(
      inputs.slice(1),
      files.filter(({ name }) => names.includes(name)),
    );
  });

  it('fetches again when our copy was lost, and never exports anything else', async () => {
    const repository = await world.repository();
    await repository.commit(packageFiles('22.0'));
    const { admission } = await admit(repository, 'debian/22.0');
    const request = { repository: repository.directory, tag: 'debian/22.0', suite: 'stable' };
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
