import assert from 'node:assert/strict';
import { test } from 'node:test';

import { amd64, jobSpec } from '../../test/jobs.ts';
import { sha256 } from '../kit/digest.ts';
import type { InputFile, JobSpec } from '../model/job.ts';
import { checkFiles } from './check-files.ts';

const spec = jobSpec({ kind: 'binary', builds: 'any', architecture: amd64 });
const of = (name: string, content = name): InputFile => ({ name, sha256: sha256(content), size: content.length });
const sums = (files: readonly InputFile[]): string =>
  files.map((file) => ` ${file.sha256} ${file.size} ${file.name}\n`).join('');

type Change = {
  version?: string;
  source?: string;
  architecture?: string;
  host?: string;
  deb?: string;
  hidden?: boolean;
  byhand?: boolean;
};

/** What dpkg-buildpackage -B leaves for one package. */
function result({
  version = '2.10-3',
  source = 'hello',
  architecture = 'amd64',
  host = 'amd64',
  deb,
  hidden,
  byhand,
}: Change = {}) {
  const debFile = of(deb ?? 'hello_2.10-3_amd64.deb');
  const made = byhand === true ? [debFile, of('hello-images_2.10-3_amd64.tar.gz')] : [debFile];
  const buildinfoText =
    `Format: 1.0\nSource: ${source}\nBinary: hello\nArchitecture: ${architecture}\nVersion: ${version}\n` +
    `Checksums-Sha256:\n${sums(made)}Build-Architecture: ${host}\nInstalled-Build-Depends:\n base-files (= 12)\n`;
  const buildinfo = of('hello_2.10-3_amd64.buildinfo', buildinfoText);
  const listed = hidden === true ? [buildinfo] : [buildinfo, ...made];
  const changesText =
    `Format: 1.8\nDate: Sat, 21 Nov 2026 10:00:00 +0000\nSource: ${source}\nBinary: hello\nArchitecture: ${architecture}\n` +
    `Version: ${version}\nDistribution: stable\nMaintainer: Ann <ann@example.org>\nChanges: x\n` +
    `Checksums-Sha256:\n${sums(listed)}Files:\n` +
    listed.map((file) => ` ${'0'.repeat(32)} ${file.size} misc optional ${file.name}\n`).join('');
  const changes = of('hello_2.10-3_amd64.changes', changesText);
  const texts = new Map([
    [changes.name, changesText],
    [buildinfo.name, buildinfoText],
  ]);
  return { files: [changes, buildinfo, ...made], texts };
}

const check = (made: ReturnType<typeof result>, asked: JobSpec = spec): string =>
  checkFiles(asked, made.files, made.texts).join('; ');

test('checkFiles accepts exactly what the job asked for', () => assert.equal(check(result()), ''));

test('checkFiles leaves it to the archive to refuse what dpkg-distaddfile named', () => {
  assert.equal(check(result({ byhand: true })), '');
  const { files, texts } = result({ byhand: true });
  const without = files.filter(({ name }) => !name.endsWith('.tar.gz'));
  assert.match(checkFiles(spec, without, texts).join('; '), /hello-images_2\.10-3_amd64\.tar\.gz is missing/);
});

test('checkFiles knows the version that a binary-only upload gives its packages', () => {
  const made = result({ source: 'hello (2.10-3)', version: '2.10-3+b1' });
  const changelogEntry =
    'hello (2.10-3+b1) sid; urgency=low, binary-only=yes\n\n  * Rebuild.\n\n' +
    ' -- Ann <ann@example.org>  Sat, 21 Nov 2026 10:00:00 +0000\n';
  assert.equal(check(made, { ...spec, conditions: { changelogEntry } }), '');
  assert.match(check(made), /Version is "2\.10-3\+b1", expected "2\.10-3"/);
  assert.match(check(result(), { ...spec, conditions: { changelogEntry } }), /expected "2\.10-3\+b1"/);
});

for (const [what, made, reason, asked] of [
  ['another version', result({ version: '2.10-4' }), /Version is "2\.10-4", expected "2\.10-3"/, spec],
  ['another source', result({ source: 'evil' }), /Source is "evil"/, spec],
  ['another architecture', result({ architecture: 'arm64' }), /architecture arm64 was not asked for/, spec],
  [
    'a package for another architecture',
    result({ deb: 'hello_2.10-3_all.deb' }),
    /architecture all was not asked for/,
    spec,
  ],
  ['a build on another architecture', result({ host: 'arm64' }), /Build-Architecture is "arm64"/, spec],
  [
    'a package that .changes does not list',
    result({ hidden: true }),
    /hello_2\.10-3_amd64\.deb is not listed by/,
    spec,
  ],
  [
    'an architecture-dependent package of a job for all',
    result(),
    /architecture amd64 was not asked for/,
    { ...spec, builds: 'all' },
  ],
  ['binaries of a source job', result(), /hello_2\.10-3\.dsc is missing/, jobSpec()],
] as const) {
  test(`checkFiles refuses ${what}`, () => assert.match(check(made, asked), reason));
}

test('checkFiles refuses files that are missing, changed, further, doubled or named like a path', () => {
  const { files, texts } = result();
  const [changes, buildinfo, deb] = files as [InputFile, InputFile, InputFile];
  const judge = (...given: InputFile[]): string => checkFiles(spec, given, texts).join('; ');
  assert.match(judge(buildinfo, deb), /0 \.changes files/);
  assert.match(judge(changes, deb), /0 \.buildinfo files/);
  assert.match(judge(changes, buildinfo), /hello_2\.10-3_amd64\.deb is missing/);
  assert.match(judge(changes, buildinfo, { ...deb, sha256: sha256('x') }), /has another hash or size/);
  assert.match(judge(changes, buildinfo, deb, of('more_1_amd64.deb')), /more_1_amd64\.deb is not listed/);
  assert.match(judge(changes, buildinfo, deb, deb), /named twice/);
  assert.match(judge(changes, buildinfo, deb, of('../x.deb')), /not a plain file name/);
  assert.match(checkFiles(spec, files, new Map()).join(), /missing|Cannot/);
});
