import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';

import { toyArchive, toyPackage } from '../../test/toy-archive.ts';
import { parseStanzas } from '../formats/deb/deb822.ts';
import { parseArchitecture, parseLabel, parseSuiteName } from '../model/names.ts';
import { aptSources } from './apt-sources.ts';
import { indexRuns } from './index-files.ts';
import { acceptBinaries, acceptSource, publishSuite } from './mod.ts';

const now = new Date('2026-11-21T03:00:00Z');

test('indexRuns makes empty indexes for an empty suite', () => {
  const suite = { components: ['main', 'contrib'], architectures: [parseArchitecture('amd64')] };
  assert.deepEqual(
    indexRuns(suite, { sources: [], binaries: [] }).map((index) => [
      `${index.directory}/${index.name}`,
      [...index.runs],
    ]),
    ['main', 'contrib'].flatMap((component) => [
      [`${component}/binary-all/Packages`, []],
      [`${component}/binary-amd64/Packages`, []],
      [`${component}/source/Sources`, []],
    ]),
  );
});

const missing = spawnSync('apt-ftparchive', ['--version']).error !== undefined && 'apt-utils is not installed';

test('the indexes say of every package what apt-ftparchive says', { skip: missing }, async (t) => {
  const toy = await toyArchive({ components: ['main', 'contrib'] });
  t.after(toy.close);
  const { deps } = toy;
  for (const [name, version, binaries] of [
    ['alpha', '1:2.0~rc1-1+b2', [{ name: 'alpha' }, { name: 'alpha-doc', architecture: 'all', version: '3.0' }]],
    [
      'libbeta',
      '0.1',
      [
        {
          name: 'libbeta1',
          fields: {
            'Pre-Depends': 'init-system-helpers (>= 1.54~)',
            Depends: 'libc6 (>= 2.34), alpha:any',
            'Multi-Arch': 'same',
            Homepage: 'https://example.org/?a=1',
            Tag: 'role::shared-lib,\nimplemented-in::c',
            'X-Unknown-Field': 'kept',
            Description: 'naïve — ünïcode\nFirst paragraph.\n\n * verbatim  line\n...\nEnd.',
          },
        },
      ],
    ],
  ] as const) {
    const requests = await toyPackage(deps.blobs, name, version, binaries);
    assert.equal((await acceptSource(deps, requests.source, now)).kind, 'accepted');
    const accepted = await acceptBinaries(deps, requests.binaries, now);
    assert.equal(accepted.kind, 'accepted', JSON.stringify(accepted));
  }
  await publishSuite(deps, 'stable', now);
  const root = join(deps.directory, 'main');
  const ours = unpacked(join(root, 'dists/stable/main/binary-amd64/Packages.gz'));
  const run = spawnSync('apt-ftparchive', ['packages', 'pool'], { cwd: root, encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  assert.deepEqual(table(ours), table(run.stdout));
  assert.equal(table(ours).size, 3);

  const sources = unpacked(join(root, 'dists/stable/main/source/Sources.gz'));
  const theirs = spawnSync('apt-ftparchive', ['sources', 'pool'], { cwd: root, encoding: 'utf8' });
  assert.deepEqual(table(sources), table(theirs.stdout));
});

const unpacked = (path: string) => gunzipSync(readFileSync(path)).toString();

/** Fields by package, without what only one of the two writes on purpose: weak hashes, and guesses of a priority. */
function table(text: string): Map<string, Record<string, string>> {
  const left = new Set([
    'MD5sum',
    'SHA1',
    'SHA512',
    'Checksums-Sha1',
    'Checksums-Sha512',
    'Files',
    'Priority',
    'Section',
  ]);
  return new Map(
    parseStanzas(text).map((stanza) => {
      const kept = stanza.fields.filter(({ name }) => !left.has(name) || text.includes('\nFilename:'));
      const strong = kept.filter(({ name }) => !/^(MD5sum|SHA1|SHA512)$/.test(name));
      const fields = Object.fromEntries(strong.map(({ name, value }) => [name, value.trim()]));
      return [fields['Package']!, fields] as const;
    }),
  );
}

test('aptSources writes a stanza with the key inside, blank lines as dots', () => {
  const suite = { name: parseSuiteName('stable'), repository: parseLabel('main'), components: ['main', 'contrib'] };
  const key = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxjMEaV\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n';
  assert.equal(
    aptSources({ url: 'https://toy.example' }, suite, key),
    `Types: deb deb-src
URIs: https://toy.example/main/
Suites: stable
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 xjMEaV
 =abcd
 -----END PGP PUBLIC KEY BLOCK-----
`,
  );
});
