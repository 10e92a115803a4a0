import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { TestRepository } from '../../../test/git-repository.ts';
import { SheafError } from '../../kit/error.ts';
import { parseCommit } from './commit.ts';
import { parseTree } from './tree.ts';

const zeros = Buffer.alloc(20);
const entry = (mode: string, name: string | Uint8Array) =>
  Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name as string), Buffer.from([0]), zeros]);

describe('parseCommit and parseTree', () => {
  for (const objectFormat of ['sha1', 'sha256'] as const) {
    it(`read what git wrote in a ${objectFormat} repository`, async () => {
      const repository = await TestRepository.make({ objectFormat });
      try {
        await repository.commit({ old: 'text\n' });
        const id = await repository.commit({ 'a/file': 'x\n', run: { run: '#!/bin/sh\n' }, link: { link: 'a' } });
        const commit = parseCommit(await repository.bytes(id));
        assert.equal(commit.tree, await repository.git(['rev-parse', 'HEAD^{tree}']));
        assert.deepEqual(commit.parents, [await repository.git(['rev-parse', 'HEAD^'])]);
        const entries = parseTree(await repository.bytes(commit.tree), objectFormat);
        const listing = entries.map(({ kind, name, id: object }) => `${kind} ${name} ${object}`);
        const oracle = (await repository.git(['ls-tree', '--format=%(objectmode) %(path) %(objectname)', commit.tree]))
          .replaceAll('100644', 'file')
          .replaceAll('100755', 'executable')
          .replaceAll('120000', 'symlink')
          .replaceAll('040000', 'directory');
        assert.deepEqual(listing, oracle.split('\n'));
      } finally {
        await repository.close();
      }
    });
  }
});

describe('parseCommit', () => {
  const who = 'Test <test@example.org> 1700000000 +0000';
  const tree = 'a'.repeat(40);
  for (const [what, text] of [
    ['no tree', `author ${who}\ncommitter ${who}\n\n`],
    ['two trees', `tree ${tree}\ntree ${tree}\nauthor ${who}\ncommitter ${who}\n\n`],
    ['a tree after the authors', `tree ${tree}\nauthor ${who}\ncommitter ${who}\ntree ${tree}\n\n`],
    ['no committer', `tree ${tree}\nauthor ${who}\n\n`],
    ['a NUL', `tree ${tree}\nauthor \0${who}\ncommitter ${who}\n\n`],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseCommit(Buffer.from(text)), { code: 'bad-git-object' });
    });
  }

  it('reads signed commits and merges of tags', () => {
    const more = `gpgsig -----BEGIN PGP SIGNATURE-----\n \n A\n -----END PGP SIGNATURE-----\n`;
    const text = `tree ${tree}\nparent ${tree}\nparent ${tree}\nauthor ${who}\ncommitter ${who}\n${more}\nText\n`;
    assert.equal(parseCommit(Buffer.from(text)).parents.length, 2);
  });
});

describe('parseTree', () => {
  it('keeps hostile names as they are, for the rules to judge', () => {
    const bytes = Buffer.concat(['..', '.git', 'a\nb', '.GIT'].map((name) => entry('100644', name)));
    assert.deepEqual(
      parseTree(bytes, 'sha1').map(({ name }) => name),
      ['..', '.git', 'a\nb', '.GIT'],
    );
  });

  it('says when a name is not UTF-8', () => {
    assert.equal(parseTree(entry('100644', Uint8Array.of(0xff, 0x41)), 'sha1')[0]?.exact, false);
  });

  for (const [what, bytes] of [
    ['an unknown mode', entry('100600', 'a')],
    ['a mode with leading zeros', entry('040000', 'a')],
    ['a mode that is too long', entry('1006440', 'a')],
    ['a cut id', entry('100644', 'a').subarray(0, -1)],
    ['no NUL', Buffer.from('100644 abc')],
    ['the same name twice', Buffer.concat([entry('100644', 'a'), entry('40000', 'a')])],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseTree(bytes, 'sha1'), { code: 'bad-git-object' });
    });
  }

  it('gives a value or bad-git-object for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        try {
          parseTree(bytes, 'sha1');
        } catch (error) {
          assert.ok(error instanceof SheafError && error.code === 'bad-git-object');
        }
      }),
    );
  });
});
