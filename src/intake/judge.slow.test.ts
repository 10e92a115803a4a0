import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import type { TestRepository } from '../../test/git-repository.ts';
import { changelog, control, judgeWith, makeWorld, packageFiles, type World } from '../../test/intake-world.ts';
import { sshKey } from '../../test/signers.ts';
import { refusalCodes } from '../model/tag-build.ts';
import { parseLabel } from '../model/names.ts';
import { judgeTag, receiveTag } from './mod.ts';

let world: World;
before(async () => (world = await makeWorld()));
after(() => world.close());

/** Every code that some test here has made the real intake say. */
const produced = new Set<string>();

async function codesOf(judged: Promise<{ readonly codes: readonly string[] }>): Promise<readonly string[]> {
  const { codes } = await judged;
  for (const code of codes) produced.add(code);
  return codes;
}

let serial = 0;
/** Versions that no other test uses: source versions are for ever. */
const fresh = () => `1.${++serial}`;

async function released(
  files: (version: string) => Parameters<TestRepository['commit']>[0] = packageFiles,
): Promise<{ repository: TestRepository; version: string; tag: string }> {
  const version = fresh();
  const repository = await world.repository();
  await repository.commit(files(version));
  return { repository, version, tag: `debian/${version}` };
}

const rowOf = (id: number) =>
  world.database.db.selectFrom('tag_build').selectAll().where('id', '=', id).executeTakeFirstOrThrow();

describe('judgeTag admits', () => {
  it('an OpenPGP-signed tag and writes down all that it saw', async () => {
    const { repository, version, tag } = await released();
    const object = await repository.tag(tag, world.people.alice);
    const { id, judgement } = await world.judge({ repository: repository.directory, tag });
    assert.equal(judgement.kind, 'ACCEPTED');
    const row = await rowOf(id);
    assert.deepEqual(
      [row.state, row.source, row.version, row.tag_object, row.signer, row.signature?.kind],
      ['ACCEPTED', 'hello', version, object, 'alice', 'openpgp'],
    );
    assert.equal(row.commit_object, await repository.git(['rev-parse', 'HEAD']));
    assert.equal(row.tree_object, await repository.git(['rev-parse', 'HEAD^{tree}']));
    assert.equal(row.source_date_epoch, Date.UTC(2026, 10, 10, 10) / 1000);
    const events = await world.database.db.selectFrom('event').select('kind').where('tag_build', '=', id).execute();
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['tag-received', 'tag-accepted'],
    );
    // Judged again, it says the same and does nothing.
    assert.deepEqual(await judgeTag(world.deps, id), judgement);
  });

  it('an SSH-signed tag', async () => {
    const { repository, tag } = await released();
    await repository.tag(tag, world.people.bob);
    const { id, judgement } = await world.judge({
      repository: `file://${repository.directory}`,
      tag: `refs/tags/${tag}`,
    });
    assert.equal(judgement.kind, 'ACCEPTED', JSON.stringify(judgement));
    assert.equal((await rowOf(id)).signature?.kind, 'ssh');
  });

  for (const [format, name] of [
    ['%(version)s', '2%3.0_rc1'],
    ['v%(version)s', 'v2%3.0_rc1'],
    ['release/%(version)s', 'release/2%3.0_rc1'],
  ] as const) {
    it(`a tag named by the format ${format}`, async () => {
      const repository = await world.repository();
      const suffix = `+${++serial}`;
      await repository.commit(packageFiles(`2:3.0~rc1${suffix}`));
      await repository.tag(`${name}${suffix}`, world.people.alice);
      const deps = world.with({ tagFormat: format });
      const { judgement } = await judgeWith(deps, { repository: repository.directory, tag: `${name}${suffix}` });
      assert.equal(judgement.kind, 'ACCEPTED', JSON.stringify(judgement));
    });
  }

  it('a non-native package with its upstream tag, and later ones with the recorded tarball', async () => {
    const repository = await world.repository();
    await repository.commit({ 'hello.c': 'int main(void) { return 0; }\n' });
    await repository.tag('upstream/7.0', 'unsigned');
    await repository.commit(packageFiles('7.0-1'));
    await repository.tag('debian/7.0-1', world.people.alice);
    const { judgement } = await world.judge({ repository: repository.directory, tag: 'debian/7.0-1' });
    assert.equal(judgement.kind, 'ACCEPTED', JSON.stringify(judgement));
    assert.equal(
      judgement.kind === 'ACCEPTED' && judgement.admission.upstreamTree,
      await repository.git(['rev-parse', 'upstream/7.0^{tree}']),
    );
  });
});

describe('judgeTag refuses', () => {
  for (const [signer, code] of [
    ['lightweight', 'lightweight-tag'],
    ['unsigned', 'unsigned-tag'],
  ] as const) {
    it(`with ${code}`, async () => {
      const { repository, tag } = await released();
      await repository.tag(tag, signer);
      assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), [code]);
    });
  }

  it('an unknown key', async () => {
    const { repository, tag } = await released();
    await repository.tag(tag, world.people.mallory);
    assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), ['unknown-key']);
  });

  it('an expired key, and that its owner may not release the package', async () => {
    const { repository, tag } = await released();
    await repository.tag(tag, world.people.carol);
    const { id, codes } = await world.judge({ repository: repository.directory, tag });
    for (const code of codes) produced.add(code);
    assert.deepEqual(codes, ['expired-key', 'no-permission']);
    assert.equal((await rowOf(id)).signer, 'carol');
  });

  it('revoked, not yet valid and weak keys', async () => {
    const weak = await sshKey(world.directory, 'weak', 'rsa', 1024);
    const fine = await sshKey(world.directory, 'fine');
    const tomorrow = new Date(world.clock.time.getTime() + 86_400_000);
    const bob = world.distribution.people.get(parseLabel('bob'))!;
    const key = (line: string, validAfter?: Date) => ({ line, validAfter, validBefore: undefined });
    for (const [signer, changes, code] of [
      [weak, { ssh: [key(weak.line)] }, 'weak-key'],
      [fine, { ssh: [key(fine.line)], revoked: [fine.line] }, 'revoked-key'],
      [fine, { ssh: [key(fine.line, tomorrow)] }, 'not-yet-valid-key'],
    ] as const) {
      const { repository, tag } = await released();
      await repository.tag(tag, { ssh: signer });
      const deps = world.with({ people: new Map([[bob.name, { ...bob, ...changes }]]) });
      assert.deepEqual(await codesOf(judgeWith(deps, { repository: repository.directory, tag })), [code]);
    }
  });

  it('a signature that was made over another tag object', async () => {
    const { repository, tag } = await released();
    const honest = (await repository.bytes(await repository.tag(tag, world.people.alice))).toString();
    const forged = honest.replace('Release', 'Re-lease');
    await repository.git(['update-ref', `refs/tags/${tag}`, await repository.object('tag', forged)]);
    assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), ['bad-signature']);
  });

  it('a tag object that is none, and an X.509 signature', async () => {
    const { repository, tag } = await released();
    const honest = (await repository.bytes(await repository.tag(tag, 'unsigned'))).toString();
    for (const text of [
      honest.replace('\n\n', '\nextra header\n\n'),
      `${honest}-----BEGIN SIGNED MESSAGE-----\nA\n-----END SIGNED MESSAGE-----\n`,
    ]) {
      await repository.git(['update-ref', `refs/tags/${tag}`, await repository.object('tag', text)]);
      assert.deepEqual((await codesOf(world.judge({ repository: repository.directory, tag })))[0], 'bad-signature');
    }
  });

  it('another tag’s object under this name, and does not bind the name to it', async () => {
    const { repository, version } = await released();
    const object = await repository.tag('debian/0.1', world.people.alice);
    const tag = `debian/${version}`;
    await repository.git(['update-ref', `refs/tags/${tag}`, object]);
    assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), ['wrong-object']);
    await repository.git(['tag', '-d', tag]);
    await repository.tag(tag, world.people.alice);
    assert.equal((await world.judge({ repository: repository.directory, tag })).judgement.kind, 'ACCEPTED');
  });

  it('tags of trees, blobs and tags', async () => {
    const { repository, tag } = await released();
    const inner = await repository.tag('inner', world.people.alice);
    for (const target of ['HEAD^{tree}', 'HEAD:hello.c', inner]) {
      await repository.tag(tag, world.people.alice, { target });
      const codes = await codesOf(world.judge({ repository: repository.directory, tag }));
      assert.ok(codes.includes('wrong-object'), codes.join());
      await repository.git(['update-ref', `refs/tags/${tag}`, await repository.git(['rev-parse', target])]);
      const direct = await codesOf(world.judge({ repository: repository.directory, tag }));
      assert.ok(direct.includes('wrong-object'), direct.join());
    }
  });

  it('a tag that moved after it was seen with a good signature, even if it was refused then', async () => {
    const { repository, version, tag } = await released((text) =>
      packageFiles(text, { 'debian/changelog': changelog(text, 'hello', 'UNRELEASED') }),
    );
    await repository.tag(tag, world.people.alice);
    assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), ['distribution-mismatch']);
    await repository.commit(packageFiles(version));
    await repository.tag(tag, world.people.alice);
    assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), ['tag-moved']);
  });

  it('does not let an unsigned tag bind a name', async () => {
    const { repository, tag } = await released();
    await repository.tag(tag, 'unsigned');
    await world.judge({ repository: repository.directory, tag });
    await repository.tag(tag, world.people.alice);
    assert.equal((await world.judge({ repository: repository.directory, tag })).judgement.kind, 'ACCEPTED');
  });

  it('a notification about another object than the tag is now', async () => {
    const { repository, tag } = await released();
    const object = await repository.tag(tag, world.people.alice);
    const request = { repository: repository.directory, tag };
    assert.deepEqual(await codesOf(world.judge({ ...request, claimedObject: 'f'.repeat(40) })), ['tag-moved']);
    assert.equal((await world.judge({ ...request, claimedObject: object })).judgement.kind, 'ACCEPTED');
  });

  it('a person without permission for the package or the suite', async () => {
    const { repository, tag } = await released();
    await repository.tag(tag, world.people.bob);
    assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag, suite: 'next' })), [
      'no-permission',
    ]);
    const other = await released((version) =>
      packageFiles(version, { 'debian/changelog': changelog(version, 'world'), 'debian/control': control('world') }),
    );
    await other.repository.tag(other.tag, world.people.bob);
    assert.deepEqual(await codesOf(world.judge({ repository: other.repository.directory, tag: other.tag })), [
      'no-permission',
    ]);
  });

  it('bad addresses, without fetching anything', async () => {
    for (const repository of [
      '-oProxyCommand=touch /tmp/sheaf-evil',
      'ext::touch /tmp/sheaf-evil',
      'file://../x',
      '/etc',
      'https://elsewhere.example.org/x',
      'https://a\u0000b/x',
      `https://example.org/${'x'.repeat(2000)}`,
      '',
    ]) {
      assert.deepEqual(await codesOf(world.judge({ repository, tag: 'debian/1.0' })), ['bad-address'], repository);
    }
  });

  it('tells what is wrong with a notification all at once', async () => {
    const codes = await codesOf(world.judge({ repository: 'ext::x', tag: '-x', suite: 'nowhere' }));
    assert.deepEqual(codes, ['bad-address', 'bad-tag-name', 'unknown-suite']);
  });

  it('a tag that is not there and a repository that cannot be read', async () => {
    const { repository } = await released();
    const request = { repository: repository.directory };
    assert.deepEqual(await codesOf(world.judge({ ...request, tag: 'debian/9' })), ['tag-not-found']);
    await repository.tag('debian/8', 'unsigned');
    await writeFile(join(repository.directory, '.git/config'), '[broken\n');
    assert.deepEqual(await codesOf(world.judge({ ...request, tag: 'debian/8' })), ['fetch-failed']);
  });

  it('a commit that is not in the repository', async () => {
    const { repository, tag } = await released();
    const text = (await repository.bytes(await repository.tag(tag, 'unsigned'))).toString();
    const lost = await repository.object('tag', text.replace(/^object .*$/m, `object ${'1'.repeat(40)}`));
    await writeFile(join(repository.directory, '.git/refs/tags', tag), `${lost}\n`);
    assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), ['commit-not-found']);
  });

  for (const [what, files, expected] of [
    ['no debian/', () => ({ 'hello.c': 'x' }), ['missing-debian']],
    ['debian as a link', () => ({ debian: { link: 'packaging' }, 'packaging/changelog': 'x' }), ['missing-debian']],
    ['no changelog and no control', () => ({ 'debian/rules': 'x' }), ['bad-changelog', 'bad-control']],
    [
      'an unreadable changelog',
      (v: string) => packageFiles(v, { 'debian/changelog': 'nonsense\n' }),
      ['bad-changelog'],
    ],
    [
      'a version that is none',
      (v: string) => packageFiles(v, { 'debian/changelog': changelog('x_1') }),
      ['bad-changelog', 'tag-version-mismatch'],
    ],
    [
      'a changelog that is a link',
      (v: string) => ({ ...packageFiles(v), 'debian/changelog': { link: 'rules' } }),
      ['bad-changelog'],
    ],
    [
      'control without Source',
      (v: string) => packageFiles(v, { 'debian/control': 'Package: hello\n' }),
      ['bad-control'],
    ],
    [
      'a newest entry that is not UTF-8',
      (v: string) =>
        packageFiles(v, { 'debian/changelog': Buffer.from(changelog(v).replace('Change', 'Änderung'), 'latin1') }),
      ['bad-changelog'],
    ],
    [
      'control that is not UTF-8',
      (v: string) => packageFiles(v, { 'debian/control': Buffer.from([0xff, 0x0a]) }),
      ['bad-control'],
    ],
    [
      'another source in control',
      (v: string) => packageFiles(v, { 'debian/control': control('world') }),
      ['bad-source-name'],
    ],
    [
      'a source name that is a path',
      (v: string) => packageFiles(v, { 'debian/changelog': changelog(v, '../hello') }),
      ['bad-source-name'],
    ],
    [
      'a source name in capitals',
      (v: string) => packageFiles(v, { 'debian/changelog': changelog(v, 'Hello') }),
      ['bad-source-name'],
    ],
    [
      'a source that the suite does not take',
      (v: string) => packageFiles(v, { 'debian/changelog': changelog(v, 'other'), 'debian/control': control('other') }),
      ['source-not-allowed'],
    ],
    [
      'another distribution',
      (v: string) => packageFiles(v, { 'debian/changelog': changelog(v, 'hello', 'sid') }),
      ['distribution-mismatch'],
    ],
    [
      'another version than the tag’s',
      (v: string) => packageFiles(v, { 'debian/changelog': changelog(`${v}+x`) }),
      ['tag-version-mismatch'],
    ],
    [
      'packages for other architectures alone',
      (v: string) =>
        packageFiles(v, {
          'debian/control':
            control('hello').replace('any', 'arm64 any-i386') +
            '\nPackage: hello-udeb\nPackage-Type: udeb\nArchitecture: any\nDescription: test\n Test.\n',
        }),
      ['nothing-to-build'],
    ],
    [
      'an unknown source format',
      (v: string) => packageFiles(v, { 'debian/source/format': '3.0 (git)\n' }),
      ['bad-control'],
    ],
    [
      'quilt without a revision',
      (v: string) => packageFiles(v, { 'debian/source/format': '3.0 (quilt)\n' }),
      ['bad-control'],
    ],
    ['an absolute link', (v: string) => packageFiles(v, { evil: { link: '/etc/passwd' } }), ['unsafe-symlink']],
    ['a link out of the tree', (v: string) => packageFiles(v, { 'a/evil': { link: '../../x' } }), ['unsafe-symlink']],
    ['a file over the limit', (v: string) => packageFiles(v, { big: 'x'.repeat(2 ** 20 + 1) }), ['over-limit']],
    [
      'a tree over the limit',
      (v: string) =>
        packageFiles(v, Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`a${n}`, 'x'.repeat(900_000)]))),
      ['over-limit'],
    ],
    [
      'too many files',
      (v: string) => packageFiles(v, Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`z${n}`, '']))),
      ['over-limit'],
    ],
  ] as readonly (readonly [
    string,
    (version: string) => Parameters<TestRepository['commit']>[0],
    readonly string[],
  ])[]) {
    it(`a commit with ${what}`, async () => {
      const { repository, tag } = await released(files);
      await repository.tag(tag, world.people.alice);
      assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), expected);
    });
  }

  it('a package that is not native without its upstream tag', async () => {
    const repository = await world.repository();
    await repository.commit(packageFiles('8.0-1'));
    await repository.tag('debian/8.0-1', world.people.alice);
    const request = { repository: repository.directory, tag: 'debian/8.0-1' };
    assert.deepEqual(await codesOf(world.judge(request)), ['missing-upstream-tag']);
    // A native format with a revision is another fault.
    await repository.commit(packageFiles('8.0-2', { 'debian/source/format': '3.0 (native)\n' }));
    await repository.tag('debian/8.0-2', world.people.alice);
    assert.deepEqual(await codesOf(world.judge({ ...request, tag: 'debian/8.0-2' })), ['bad-control']);
  });

  it('an upstream tag with files that nobody signed', async () => {
    const repository = await world.repository();
    await repository.commit({
      'hello.c': 'int main(void) { return 0; }\n',
      'evil.mk': 'all:\n',
      'debian/rules': 'old',
    });
    await repository.tag('upstream/8.1', 'unsigned');
    await repository.commit(packageFiles('8.1-1'));
    await repository.tag('debian/8.1-1', world.people.alice);
    const request = { repository: repository.directory, tag: 'debian/8.1-1' };
    const { judgement, codes } = await world.judge(request);
    for (const code of codes) produced.add(code);
    assert.deepEqual(codes, ['upstream-mismatch']);
    assert.match(judgement.kind === 'REJECTED' ? judgement.refusals[0]!.message : '', /evil\.mk/);
  });

  it('submodules', async () => {
    const { repository, tag } = await released();
    const tree = await repository.git(['rev-parse', 'HEAD^{tree}']);
    const module = await repository.git(
      ['mktree', '--missing'],
      `${await repository.git(['ls-tree', tree])}\n160000 commit ${'a'.repeat(40)}\tmodule\n`,
    );
    await repository.tag(tag, world.people.alice, { target: await repository.commitTree(module) });
    assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), ['submodule']);
  });

  for (const name of ['..', '.git', '.GIT', '.git ', 'git~1', '.g\u200cit', 'a\nb', 'a/b', '.', 'x'.repeat(256)]) {
    it(`a path with ${JSON.stringify(name.slice(0, 10))}`, async () => {
      const { repository, tag } = await released();
      const blob = await repository.object('blob', 'x');
      const evil = await repository.tree([{ mode: '100644', name, id: blob }]);
      const debian = await repository.git(['rev-parse', 'HEAD:debian']);
      const tree = await repository.tree([
        { mode: '40000', name: 'a', id: evil },
        { mode: '40000', name: 'debian', id: debian },
      ]);
      await repository.tag(tag, world.people.alice, { target: await repository.commitTree(tree) });
      assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), ['unsafe-path']);
    });
  }

  it('a tree that grows without end', async () => {
    const { repository, tag } = await released();
    // Of 8 ** 12 files: to read them all would take months.
    let id = await repository.tree([{ mode: '100644', name: 'x', id: await repository.object('blob', 'x') }]);
    for (let level = 0; level < 12; level++) {
      id = await repository.tree(Array.from('abcdefgh', (name) => ({ mode: '40000', name, id })));
    }
    await repository.tag(tag, world.people.alice, { target: await repository.commitTree(id) });
    assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), ['over-limit']);
  });

  it('a tag object over its limit', async () => {
    const { repository, tag } = await released();
    const text = (await repository.bytes(await repository.tag(tag, 'unsigned'))).toString();
    await repository.git(['update-ref', `refs/tags/${tag}`, await repository.object('tag', text + 'x'.repeat(70_000))]);
    assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag })), ['over-limit']);
  });

  it('a frozen suite and an unknown one, and still looks at the tag', async () => {
    const { repository, tag } = await released();
    await repository.tag(tag, 'unsigned');
    const request = { repository: repository.directory, tag };
    assert.deepEqual(await codesOf(world.judge({ ...request, suite: 'frozen' })), ['suite-frozen', 'unsigned-tag']);
    assert.deepEqual(await codesOf(world.judge({ ...request, suite: 'ended' })), ['suite-frozen', 'unsigned-tag']);
    assert.deepEqual(await codesOf(world.judge({ ...request, suite: 'nowhere' })), ['unknown-suite', 'unsigned-tag']);
  });

  it('a suite that a person has frozen, and says who and why', async () => {
    const { repository, tag } = await released();
    await repository.tag(tag, 'unsigned');
    const freeze = { suite: 'next', since: new Date(), frozen_by: 'ann', reason: 'a release' };
    await world.database.db.insertInto('suite_freeze').values(freeze).execute();
    const judgement = await world.judge({ repository: repository.directory, tag, suite: 'next' });
    await world.database.db.deleteFrom('suite_freeze').execute();
    assert.deepEqual(await codesOf(Promise.resolve(judgement)), ['suite-frozen', 'unsigned-tag']);
    assert.match(JSON.stringify(judgement), /was frozen by ann \(a release\)/);
  });

  it('gathers reasons of every kind at once', async () => {
    const { repository, tag } = await released((version) =>
      packageFiles(version, {
        'debian/changelog': changelog('0.1', 'other', 'sid'),
        'debian/control': 'nonsense',
        'debian/source/format': 'none\n',
        evil: { link: '/etc' },
      }),
    );
    await repository.tag(tag, world.people.carol);
    assert.deepEqual(await codesOf(world.judge({ repository: repository.directory, tag, suite: 'frozen' })), [
      'suite-frozen',
      'expired-key',
      'no-permission',
      'source-not-allowed',
      'distribution-mismatch',
      'bad-control',
      'bad-control',
      'tag-version-mismatch',
      'unsafe-symlink',
    ]);
  });
});

describe('judgeTag and the archive', () => {
  async function publish(suite: string, version: string, repository = 'main'): Promise<void> {
    const { db } = world.database;
    const { id } = await db
      .insertInto('source_package')
      .values({
        repository,
        name: 'hello',
        version,
        component: 'main',
        stanza: '',
        directory: '',
        files: '[]',
        tag_build: null,
        accepted_at: world.clock.time,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await db
      .insertInto('publication')
      .values({ suite, source_package: id, state: 'PUBLISHED', created_at: world.clock.time } as never)
      .execute();
  }

  it('refuses a version that is not greater than the suite’s, by Debian’s order', async () => {
    await publish('apps', '5.10~rc1', 'apps');
    for (const [version, expected] of [
      ['5.9', ['version-not-greater']],
      ['5.10~beta', ['version-not-greater']],
      ['5.10~rc1', ['version-not-greater', 'version-reused']],
      ['5.10', []],
    ] as const) {
      const repository = await world.repository();
      await repository.commit(packageFiles(version));
      const tag = `debian/${version.replace('~', '_')}`;
      await repository.tag(tag, world.people.alice);
      const codes = await codesOf(world.judge({ repository: repository.directory, tag, suite: 'apps' }));
      assert.deepEqual(codes, expected, version);
    }
  });

  it('takes a lower version into a suite of all versions, and none that it has', async () => {
    await publish('feed', '6.10', 'apps');
    for (const [version, expected] of [
      ['6.9', []],
      ['6.10', ['version-not-greater', 'version-reused']],
      ['6.11', []],
    ] as const) {
      const repository = await world.repository();
      await repository.commit(packageFiles(version));
      await repository.tag(`debian/${version}`, world.people.alice);
      const request = { repository: repository.directory, tag: `debian/${version}`, suite: 'feed' };
      assert.deepEqual(await codesOf(world.judge(request)), expected, version);
    }
  });

  it('refuses a version once used with other content, whoever tags it where', async () => {
    const { repository, version, tag } = await released();
    await repository.tag(tag, world.people.alice);
    assert.equal((await world.judge({ repository: repository.directory, tag })).judgement.kind, 'ACCEPTED');
    const other = await world.repository();
    await other.commit(packageFiles(version, { 'hello.c': 'other\n' }));
    await other.tag(tag, world.people.alice);
    for (const suite of ['stable', 'next']) {
      assert.deepEqual(
        await codesOf(world.judge({ repository: other.directory, tag, suite })),
        ['version-reused'],
        suite,
      );
    }
  });

  it('refuses the same content for another suite of the repository, and takes it for another repository', async () => {
    const version = '6.0';
    const repository = await world.repository();
    await repository.commit(packageFiles(version));
    await repository.tag('debian/6.0', world.people.alice);
    const request = { repository: repository.directory, tag: 'debian/6.0' };
    assert.equal((await world.judge(request)).judgement.kind, 'ACCEPTED');
    const { judgement } = await world.judge({ ...request, suite: 'next' });
    assert.equal(judgement.kind === 'REJECTED' && judgement.refusals[0]?.code, 'version-reused');
    assert.match(judgement.kind === 'REJECTED' ? judgement.refusals[0]!.message : '', /is being built for stable/);
    assert.equal((await world.judge({ ...request, suite: 'apps' })).judgement.kind, 'ACCEPTED');
  });
});

describe('judgeTag again', () => {
  it('makes a replay of an admitted tag a no-op', async () => {
    const { repository, tag } = await released();
    await repository.tag(tag, world.people.alice);
    const request = { repository: repository.directory, tag };
    const first = await world.judge(request);
    const second = await world.judge(request);
    assert.notEqual(second.id, first.id);
    assert.deepEqual(second.judgement, { kind: 'DUPLICATE', of: first.id });
    assert.equal((await rowOf(second.id)).state, 'DUPLICATE');
    assert.deepEqual(await judgeTag(world.deps, second.id), second.judgement);
  });

  it('counts the same refusal on its first row and tells nobody again', async () => {
    const { repository, tag } = await released();
    await repository.tag(tag, 'unsigned');
    const request = { repository: repository.directory, tag };
    const first = await world.judge(request);
    for (let repeat = 1; repeat <= 3; repeat++) {
      const again = await world.judge(request);
      assert.deepEqual(again.codes, ['unsigned-tag']);
      assert.equal(again.judgement.kind === 'REJECTED' && again.judgement.repeatOf, first.id);
      assert.equal((await rowOf(first.id)).repeats, repeat);
      assert.deepEqual([(await rowOf(again.id)).state, (await rowOf(again.id)).duplicate_of], ['DUPLICATE', first.id]);
      assert.deepEqual((await judgeTag(world.deps, again.id)).kind, 'REJECTED');
    }
    const { db } = world.database;
    const events = await db
      .selectFrom('event')
      .select('id')
      .where('kind', '=', 'tag-refused')
      .where('source', '=', 'hello')
      .where('tag_build', '>=', first.id)
      .execute();
    assert.equal(events.length, 1);
    // Another reason is another refusal.
    await repository.tag(tag, 'lightweight');
    const other = await world.judge(request);
    assert.equal((await rowOf(other.id)).state, 'REJECTED');
  });

  it('judges once, however many do it at the same time', async () => {
    const { repository, version, tag } = await released();
    await repository.tag(tag, world.people.alice);
    const request = { repository: repository.directory, tag, suite: 'stable', origin: 'hook' };
    const received = await Promise.all([1, 2, 3, 4].map(() => receiveTag(world.deps.db, request, world.clock.time)));
    assert.equal(new Set(received.map(({ id }) => id)).size, 1);
    assert.equal(received.filter(({ already }) => !already).length, 1);
    const { id } = received[0]!;
    const judgements = await Promise.all([1, 2, 3, 4].map(() => judgeTag(world.deps, id)));
    for (const judgement of judgements) assert.equal(judgement.kind, 'ACCEPTED');
    const { db } = world.database;
    const events = await db
      .selectFrom('event')
      .select('id')
      .where('kind', '=', 'tag-accepted')
      .where('tag_build', '=', id)
      .execute();
    assert.equal(events.length, 1);
    assert.equal(
      (await db.selectFrom('source_version').selectAll().where('version', '=', version).execute()).length,
      1,
    );
  });

  it('admits one of two tags that fight for a version', async () => {
    const version = fresh();
    const tag = `debian/${version}`;
    const ids = await Promise.all(
      ['one\n', 'two\n'].map(async (text) => {
        const repository = await world.repository();
        await repository.commit(packageFiles(version, { 'hello.c': text }));
        await repository.tag(tag, world.people.alice);
        return world.judge({ repository: repository.directory, tag });
      }),
    );
    assert.deepEqual(ids.map(({ judgement }) => judgement.kind).toSorted(), ['ACCEPTED', 'REJECTED']);
    assert.deepEqual(
      ids.flatMap(({ codes }) => codes),
      ['version-reused'],
    );
  });

  it('looks again when the tag is reported while it is judged', async () => {
    const { repository, tag } = await released();
    const request = { repository: repository.directory, tag, suite: 'stable', origin: 'hook' };
    const { id } = await receiveTag(world.deps.db, request, world.clock.time);
    let fetches = 0;
    const git = {
      open: world.deps.git.open.bind(world.deps.git),
      // The push comes between our look and our verdict.
      fetchTag: async (address: string, name: string) => {
        const outcome = await world.deps.git.fetchTag(address, name);
        if (++fetches === 1) {
          await repository.tag(tag, world.people.alice);
          assert.equal((await receiveTag(world.deps.db, request, world.clock.time)).already, true);
        }
        return outcome;
      },
    };
    const judgement = await judgeTag({ ...world.deps, git }, id);
    assert.equal(judgement.kind, 'ACCEPTED', JSON.stringify(judgement));
    assert.equal(fetches, 2);
  });

  it('waits for a server that cannot be reached, and refuses after ten minutes', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    server.close();
    const request = { repository: `git://127.0.0.1:${port}/x.git`, tag: 'debian/1.0' };
    const first = await world.judge(request);
    assert.equal(first.judgement.kind, 'PENDING');
    assert.equal((await rowOf(first.id)).state, 'RECEIVED');
    const before = world.clock.time;
    world.clock.time = new Date(before.getTime() + 11 * 60_000);
    try {
      const judgement = await judgeTag(world.deps, first.id);
      assert.deepEqual(judgement.kind === 'REJECTED' && judgement.refusals.map(({ code }) => code), ['fetch-failed']);
    } finally {
      world.clock.time = before;
    }
  });
});

describe('receiveTag', () => {
  it('keeps hostile texts without harm', async () => {
    const request = {
      repository: '\u0000\ud800'.repeat(2000),
      tag: '\n'.repeat(1000),
      suite: '\u0000',
      origin: 'x'.repeat(100),
    };
    const { id } = await receiveTag(world.deps.db, request, world.clock.time);
    const judgement = await judgeTag(world.deps, id);
    assert.equal(judgement.kind, 'REJECTED');
  });

  it('keeps no password of an address, which everybody may read', async () => {
    const request = {
      repository: 'https://ann:s3cret@git.example.org/a',
      tag: 'debian/1',
      suite: 'stable',
      origin: 'cli',
    };
    const { id } = await receiveTag(world.deps.db, request, world.clock.time);
    const judgement = await judgeTag(world.deps, id);
    assert.match(JSON.stringify(judgement), /bad-address/);
    assert.doesNotMatch(JSON.stringify(judgement), /s3cret/);
    const events = await world.deps.db.selectFrom('event').selectAll().execute();
    assert.doesNotMatch(JSON.stringify(events), /s3cret/);
  });

  it('throws no-tag-build for a number that is none', async () => {
    await assert.rejects(judgeTag(world.deps, 999_999), { code: 'no-tag-build' });
  });
});

it('every refusal code was produced by a real intake above', () => {
  assert.deepEqual(
    refusalCodes.filter((code) => !produced.has(code)),
    [],
  );
});
