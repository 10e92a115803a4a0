import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { SheafError } from '../kit/error.ts';
import { addUpstream, type UpstreamSettings } from './append.ts';
import { readDistribution } from './mod.ts';

const root = mkdtempSync(join(tmpdir(), 'sheaf-append-'));
after(() => rmSync(root, { recursive: true }));

const settings = `# kept  \t
name = "Grove"   # as it is
[upstream.debian]
url = "http://deb.debian.org/debian"
suites = ["bookworm"]
keyring = "key.asc"
[repository.main]
[suite.stable]
upstream = "debian"
architectures = ["amd64"]
`;
let count = 0;

function grove(text = settings): string {
  const directory = join(root, String((count += 1)));
  mkdirSync(directory);
  writeFileSync(join(directory, 'sheaf.toml'), text);
  writeFileSync(join(directory, 'key.asc'), '-----BEGIN PGP PUBLIC KEY BLOCK-----\n');
  return directory;
}

const small: UpstreamSettings = { url: 'https://deb.example.org/', suites: ['one'], keyring: 'key.asc' };
const textOf = (directory: string) => readFileSync(join(directory, 'sheaf.toml'), 'utf8');

async function refusal(work: Promise<unknown>): Promise<SheafError> {
  const error = await work.then(
    () => assert.fail('was not refused'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof SheafError, String(error));
  return error;
}

test('addUpstream appends to what an editor of Windows saved', async () => {
  const text = `\ufeff${settings.replaceAll('\n', '\r\n')}`;
  const directory = grove(text);
  const { table } = await addUpstream(directory, 'ubuntu', small);
  assert.equal(textOf(directory), `${text}\n${table}`);
});

test('addUpstream appends a table, keeps every byte before it and the mode, and the reader takes it', async () => {
  const directory = grove();
  chmodSync(join(directory, 'sheaf.toml'), 0o640);
  const { table, upstream } = await addUpstream(directory, 'ubuntu', {
    ...{ ...small, suites: ['noble', 'noble-updates'], components: ['main', 'universe'], architectures: ['arm64'] },
    ...{ sources: false, contents: true, translations: ['en'], expired: 'accept', every: '6h' },
  });
  assert.equal(textOf(directory), `${settings}\n${table}`);
  assert.equal(statSync(join(directory, 'sheaf.toml')).mode & 0o777, 0o640);
  const read = await readDistribution(directory);
  assert.deepEqual(read.upstreams.get('ubuntu' as never), upstream);
  assert.deepEqual(
    { ...upstream, keyring: '' },
    {
      ...{ name: 'ubuntu', url: 'https://deb.example.org', suites: ['noble', 'noble-updates'], keyring: '' },
      ...{ components: ['main', 'universe'], architectures: ['arm64'], sources: false, contents: true },
      ...{ translations: ['en'], expired: 'accept', every: 6 * 3_600_000 },
    },
  );
});

for (const [name, text] of [
  ['no line end', settings.trimEnd()],
  ['CR LF', settings.replaceAll('\n', '\r\n')],
  ['blank lines', `${settings}\n\n`],
] as const) {
  test(`addUpstream keeps a file with ${name} at its end`, async () => {
    const directory = grove(text);
    await addUpstream(directory, 'a.b', small);
    assert.ok(textOf(directory).startsWith(text));
    assert.deepEqual([...(await readDistribution(directory)).upstreams.keys()], ['debian', 'a.b']);
  });
}

test('addUpstream follows a link to sheaf.toml and leaves it a link', async () => {
  const directory = grove();
  const linked = join(root, 'linked');
  mkdirSync(linked);
  writeFileSync(join(linked, 'key.asc'), '-----BEGIN PGP PUBLIC KEY BLOCK-----\n');
  symlinkSync(join(directory, 'sheaf.toml'), join(linked, 'sheaf.toml'));
  await addUpstream(linked, 'other', small);
  assert.match(textOf(directory), /\[upstream\.other\]/);
});

for (const [what, name, change, expected] of [
  ['a name that is there', 'debian', {}, /^Cannot add upstream "debian": sheaf\.toml has one of this name$/],
  ['a bad name', 'a b', {}, /^Cannot add upstream "a b": .*the name "a b" needs letters/],
  ['a bad address', 'x', { url: 'ftp://x' }, /^Cannot add upstream "x": upstream\.x\.url: found "ftp:\/\/x", expected/],
  ['no suites', 'x', { suites: [] }, /upstream\.x\.suites: found an empty list, expected/],
  ['a suite twice', 'x', { suites: ['a', 'a'] }, /upstream\.x\.suites\[1\]: found "a", expected every entry once/],
  ['a bad duration', 'x', { every: 'often' }, /upstream\.x\.every: found "often", expected a duration/],
  ['a keyring that is missing', 'x', { keyring: 'nowhere' }, /upstream\.x\.keyring: there is no file .*nowhere/],
  ['a keyring that is none', 'x', { keyring: 'sheaf.toml' }, /upstream\.x\.keyring: .* is not an OpenPGP keyring/],
  ['quotes', 'x', { components: ['a"]\nname = "y'] }, /upstream\.x\.components\[0\]: found/],
] as const) {
  test(`addUpstream refuses ${what} and writes nothing`, async () => {
    const directory = grove();
    const error = await refusal(addUpstream(directory, name, { ...small, ...change }));
    assert.match(error.message, expected);
    assert.equal(error.kind, 'usage');
    assert.equal(error.place, undefined);
    assert.equal(textOf(directory), settings);
  });
}

test('addUpstream says where a suite must name its upstream before a second one can come', async () => {
  const text = settings.replace('upstream = "debian"\n', '');
  const directory = grove(text);
  const error = await refusal(addUpstream(directory, 'other', small));
  assert.match(error.message, /suite\.stable\.upstream: missing, expected one of "debian", "other"/);
  assert.equal(error.place?.line, 8);
  assert.match(error.hint!, /upstream = "NAME"/);
  assert.equal(textOf(directory), text);
});
