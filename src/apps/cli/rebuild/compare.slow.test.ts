/** `sheaf rebuild compare` over packages that dpkg-deb made. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const checkout = join(import.meta.dirname, '../../../..');
const directory = mkdtempSync(join(tmpdir(), 'sheaf-compare-'));
after(() => rmSync(directory, { recursive: true }));

function sheaf(...words: string[]) {
  const { stdout, stderr, status } = spawnSync(join(checkout, 'sheaf'), ['rebuild', 'compare', ...words], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { stdout, stderr, status };
}

/** `folder/name_1_all.deb` with one text, packed as the options say. */
function makeDeb(folder: string, name: string, text: string, ...options: string[]): void {
  const tree = join(directory, 'tree');
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  mkdirSync(join(directory, folder), { recursive: true });
  const control = `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: x\n y\n`;
  writeFileSync(join(tree, 'DEBIAN/control'), control);
  writeFileSync(join(tree, 'note'), text);
  const file = join(directory, folder, `${name}_1_all.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', ...options, '--build', tree, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: '1000000000' },
  });
}

makeDeb('one', 'toy', 'built on 2022-01-01\n');
makeDeb('two', 'toy', 'built on 2026-01-01\n');
makeDeb('one', 'tool', 'same\n', '-Zxz');
makeDeb('two', 'tool', 'same\n', '-Zgzip');
makeDeb('two', 'new', '');

test('sheaf rebuild compare says of two packages what differs, and why perhaps', () => {
  const { stdout, status } = sheaf('one/toy_1_all.deb', 'two/toy_1_all.deb');
  assert.equal(status, 1);
  assert.deepEqual(stdout.split('\n').slice(2), [
    'note: other content (text, 20 bytes)',
    '  line 1',
    '    - built on 2022-01-01',
    '    + built on 2026-01-01',
    'perhaps clock: note, line 1: built on 2022-01-01 → built on 2026-01-01',
    '',
  ]);
  const equal = sheaf('one/toy_1_all.deb', 'one/toy_1_all.deb');
  assert.deepEqual([equal.status, equal.stdout], [0, 'one/toy_1_all.deb and one/toy_1_all.deb: the same bytes\n']);
});

test('sheaf rebuild compare pairs the packages of two folders', () => {
  const { stdout, status } = sheaf('one', 'two', '--json');
  assert.equal(status, 1);
  const { equal, files, onlyLeft, onlyRight } = JSON.parse(stdout);
  assert.deepEqual({ equal, onlyLeft, onlyRight }, { equal: false, onlyLeft: [], onlyRight: ['new_1_all.deb'] });
  assert.deepEqual(
    files.map(({ left, differences }: any) => [left.file, differences.map(({ kind, part }: any) => [kind, part])]),
    [
      [
        'one/tool_1_all.deb',
        [
          ['compression', 'control'],
          ['compression', 'data'],
        ],
      ],
      ['one/toy_1_all.deb', [['content', 'data']]],
    ],
  );
});

test('sheaf rebuild compare says what is wrong with what it is given', () => {
  writeFileSync(join(directory, 'text.deb'), 'hello\n');
  writeFileSync(join(directory, 'bad.changes'), 'hello\n');
  mkdirSync(join(directory, 'empty'));
  execFileSync('mkfifo', [join(directory, 'tree/pipe')]);
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', join(directory, 'tree'), join(directory, 'pipe.deb')]);
  const cases: readonly (readonly [number, RegExp, ...string[]])[] = [
    [2, /no-such-package.*there is no such file or folder/s, 'one', 'none'],
    [2, /no-such-package.*neither a file nor a folder/s, '/dev/null', 'one'],
    [2, /no-such-package.*no \.deb is in it/s, 'one', 'empty'],
    [2, /bad-ar.*does not begin as an ar archive/s, 'one/toy_1_all.deb', 'text.deb'],
    [2, /bad-deb.*is a fifo.*maintainer scripts/s, 'pipe.deb', 'one/toy_1_all.deb'],
    [2, /bad-control-file.*bad\.changes/s, 'bad.changes', 'one'],
    [2, /ENOENT.*none\/x\.txt/s, 'one/toy_1_all.deb', 'two/toy_1_all.deb', '--diffoscope', 'none/x.txt'],
    [2, /ends in \.html or \.txt/, 'one', 'two', '--diffoscope', 'x.pdf'],
    [2, /many-packages/, 'one', 'two', '--diffoscope', 'x.txt'],
  ];
  for (const [code, message, ...words] of cases) {
    const { status, stdout, stderr } = sheaf(...words, '--json');
    assert.equal(status, code, stderr);
    assert.match(stderr, message);
    assert.equal(stdout, '');
  }
});

test("sheaf rebuild compare writes diffoscope's report", () => {
  const { status, stderr } = sheaf('one/toy_1_all.deb', 'two/toy_1_all.deb', '--diffoscope', 'report.txt');
  assert.equal(status, 1, stderr);
  const report = readFileSync(join(directory, 'report.txt'), 'utf8');
  assert.match(report, /-built on 2022-01-01\n.*\+built on 2026-01-01/);
});
