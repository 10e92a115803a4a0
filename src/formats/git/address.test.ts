import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { parseGitAddress, withoutPassword } from './address.ts';

describe('parseGitAddress', () => {
  for (const text of [
    'https://salsa.debian.org/team/hello.git',
    'https://git.example.org:8443/~alice/hello',
    'ssh://git@git.example.org/team/hello.git',
    'ssh://git.example.org:2222/hello.git/',
    'git://git.example.org/hello',
    'git@git.example.org:team/hello.git',
    'git@git.example.org:/srv/hello.git',
  ]) {
    it(`takes ${text}`, () => {
      assert.deepEqual(parseGitAddress(text).kind, 'remote');
    });
  }

  it('takes absolute local paths in both spellings', () => {
    assert.deepEqual(parseGitAddress('/srv/git/hello.git'), { kind: 'local', path: '/srv/git/hello.git' });
    assert.deepEqual(parseGitAddress('file:///srv/git/hello.git/'), { kind: 'local', path: '/srv/git/hello.git' });
  });

  for (const text of [
    '',
    '-oProxyCommand=touch /tmp/x',
    '--upload-pack=touch /tmp/x',
    'ext::sh -c touch% /tmp/x',
    'fd::7',
    'file://../x',
    'file://host/srv/x',
    'file:///srv/%2e%2e/x',
    '/srv/../etc',
    '/srv/./x',
    '/srv//x',
    '../x',
    './x',
    'x',
    'http://example.org/x',
    'ftp://example.org/x',
    'https://user:password@example.org/x',
    'https://token@example.org/x',
    'https://example.org@evil.org/x',
    'https://example.org/../x',
    'https://example.org/a/%2e%2e/x',
    'https://example.org/a//x',
    'https://example.org/-x',
    'https://example.org/x?y',
    'https://example.org/x#y',
    'https://example.org/x y',
    'https://example.org\\@evil.org/x',
    'https://-example.org/x',
    'https://example.org:0/x',
    'https://example.org:99999/x',
    'https://example.org:22:22/x',
    'https://exam\u0000ple.org/x',
    'https://exämple.org/x',
    'https:///x',
    'https://example.org/',
    'ssh://-oProxyCommand=x/y',
    'ssh://git@-oProxyCommand=x/y',
    'ssh://-git@example.org/y',
    'ssh://git@example.org/-y',
    'git@-oProxyCommand=x:y',
    '-git@example.org:y',
    'git@example.org:-y',
    'git@example.org:../y',
    'git@example.org:a:b',
    'host:path',
    'c:\\x',
    '::1/x',
    'https://example.org/x\n',
    `https://example.org/${'x'.repeat(1000)}`,
  ]) {
    it(`refuses ${JSON.stringify(text.slice(0, 60))}`, () => {
      assert.equal(parseGitAddress(text).kind, 'bad');
    });
  }

  it('never takes a text with a dangerous piece, whatever is around it', () => {
    const piece = fc.constantFrom('https://', 'ssh://', 'git@', 'a.org', ':', '/', 'x', 'file://', '@', '22', '.git');
    const poison = fc.constantFrom(
      '/../',
      '\n',
      '\0',
      ' ',
      '::',
      '%2e',
      '/-',
      '://-',
      '\\',
      '?',
      '#',
      '"',
      "'",
      '$',
      '`',
      ';',
      '|',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 5 }),
        poison,
        fc.array(piece, { maxLength: 5 }),
        (before, bad, after) => {
          const text = [...before, bad, ...after].join('');
          const address = parseGitAddress(text);
          // A local path is not an argument of a shell or of ssh: only what leaves it is dangerous there.
          if (address.kind === 'local') assert.ok(!/\/\.\.?(\/|$)|[\0\n]/.test(address.path), text);
          else assert.equal(address.kind, 'bad', text);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('withoutPassword', () => {
  for (const [text, shown] of [
    ['https://ann:s3cret@git.example.org/a', 'https://…@git.example.org/a'],
    ['https://ghp_token@git.example.org/a', 'https://…@git.example.org/a'],
    ['HTTP://ann:p@ss@git.example.org/a@b', 'HTTP://…@git.example.org/a@b'],
    ['ssh://git:s3cret@git.example.org/a', 'ssh://git:…@git.example.org/a'],
    ['ssh://git@git.example.org/a', 'ssh://git@git.example.org/a'],
    ['git@git.example.org:team/a', 'git@git.example.org:team/a'],
    ['https://git.example.org/a@b', 'https://git.example.org/a@b'],
    ['/srv/git/a@b', '/srv/git/a@b'],
  ] as const) {
    it(`shows ${text} as ${shown}`, () => {
      assert.equal(withoutPassword(text), shown);
      assert.equal(parseGitAddress(shown).kind, parseGitAddress(text).kind);
    });
  }
});
