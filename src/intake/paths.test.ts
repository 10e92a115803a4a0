import assert from 'node:assert/strict';
import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { linkProblem, pathProblem, type Link } from './paths.ts';

const problemOf = (path: string, exact = true) => pathProblem({ path, name: path.split('/').at(-1)!, exact });

describe('pathProblem', () => {
  it('takes what real packages have', () => {
    for (const path of [
      'debian/rules',
      '.gitignore',
      '.gitattributes',
      '.github/workflows/x.yml',
      'src/a b/ü (1).txt',
      'a/.gitkeep',
      'git~2',
      '...',
      'x:y',
      'back\\slash',
      `${'a/'.repeat(63)}b`,
      'x'.repeat(255),
    ]) {
      assert.equal(problemOf(path), undefined, path);
    }
  });

  it('refuses what may leave its directory or mean something to git', () => {
    for (const path of [
      '',
      '/etc/passwd',
      'a//b',
      'a/',
      '.',
      '..',
      'a/../b',
      './a',
      '.git',
      '.GIT',
      '.Git/config',
      'a/.giT/hooks/x',
      '.git ',
      '.git.',
      '.git . .',
      'git~1',
      'GIT~1',
      '.git::$INDEX_ALLOCATION',
      '.g\u200cit',
      '\ufeff.git',
      'a\u0000b',
      'a\nb',
      'a\u001b[31m',
      'a\u007f',
      'x'.repeat(256),
      `${'a/'.repeat(64)}b`,
      `${'x'.repeat(200)}/`.repeat(6),
    ]) {
      assert.notEqual(problemOf(path), undefined, JSON.stringify(path));
    }
    assert.notEqual(problemOf('a', false), undefined);
    assert.notEqual(pathProblem({ path: 'a/b', name: 'a/b', exact: true }), undefined);
  });
});

const treeOf = (links: Readonly<Record<string, string>>, directories: readonly string[] = []): Map<string, Link> =>
  new Map<string, Link>([
    ...directories.map((path) => [path, { kind: 'directory', target: undefined }] as const),
    ...Object.entries(links).map(([path, target]) => [path, { kind: 'symlink', target }] as const),
  ]);

describe('linkProblem', () => {
  for (const [links, path] of [
    [{ a: 'b' }, 'a'],
    [{ 'x/a': '../b' }, 'x/a'],
    [{ 'x/a': '..' }, 'x/a'],
    [{ a: 'x/../y/./z//' }, 'a'],
    [{ a: 'b', b: 'a' }, 'a'],
    [{ a: 'missing/file' }, 'a'],
  ] as const) {
    it(`takes ${JSON.stringify(links)}`, () => assert.equal(linkProblem(path, treeOf(links)), undefined));
  }

  for (const [links, path] of [
    [{ a: '/etc/passwd' }, 'a'],
    [{ a: '..' }, 'a'],
    [{ 'x/a': '../..' }, 'x/a'],
    [{ a: 'x/../../y' }, 'a'],
    [{ a: '' }, 'a'],
    [{ a: 'b\u0000c' }, 'a'],
    // Inside by its letters, outside by way of another link.
    [{ 'x/y/up': '../..', a: 'x/y/up/../z' }, 'a'],
    [{ l: 'm', m: '/etc' }, 'l'],
  ] as const) {
    it(`refuses ${JSON.stringify(links)}`, () => assert.notEqual(linkProblem(path, treeOf(links)), undefined));
  }

  it('refuses a target that is no text', () => {
    assert.notEqual(linkProblem('a', new Map([['a', { kind: 'symlink', target: undefined }]])), undefined);
  });

  it('never takes a link that the kernel follows out of the tree', async () => {
    const base = await mkdtemp('/tmp/sheaf-links-');
    const root = join(base, 'root');
    let round = 0;
    try {
      const target = fc
        .array(fc.constantFrom('..', '.', 'a', 'b', 'c', 'd', 'd/e'), { minLength: 1, maxLength: 5 })
        .map((parts) => parts.join('/'));
      const links = fc.dictionary(fc.constantFrom('a', 'b', 'd/a', 'd/b', 'd/e/a', 'd/e/b', 'd/e/c'), target);
      await fc.assert(
        fc.asyncProperty(links, async (made) => {
          const here = join(root, String(round++));
          await mkdir(join(here, 'd/e'), { recursive: true });
          for (const [path, to] of Object.entries(made)) await symlink(to, join(here, path));
          const tree = treeOf(made, ['d', 'd/e']);
          for (const path of Object.keys(made)) {
            const real = await realpath(join(here, path)).catch(() => undefined);
            const leaves = real !== undefined && real !== here && !real.startsWith(here + sep);
            if (leaves) assert.notEqual(linkProblem(path, tree), undefined, JSON.stringify([path, made]));
            // And no link is refused that stays inside, as far as the kernel can follow it.
            else if (real !== undefined && linkProblem(path, tree) !== undefined) {
              assert.fail(`refused ${JSON.stringify([path, made])}`);
            }
          }
        }),
        { numRuns: 300 },
      );
    } finally {
      await rm(base, { recursive: true, force: true });
    }
  });
});
