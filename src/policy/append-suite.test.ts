import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { parseLabel, parseSuiteName } from '../model/names.ts';
import { addSuites } from './append-suite.ts';

const root = mkdtempSync(join(tmpdir(), 'sheaf-append-suite-'));
after(() => rmSync(root, { recursive: true }));

const settings = `name = "Grove"
[upstream.debian]
url = "http://deb.debian.org/debian"
suites = ["bookworm"]
keyring = "ring.asc"
[repository.main]
[suite.stable]
repository = "main"
architectures = ["amd64"]
`;

function grove(text = settings): string {
  const directory = mkdtempSync(join(root, 'grove-'));
  writeFileSync(join(directory, 'sheaf.toml'), text);
  writeFileSync(join(directory, 'ring.asc'), '-----BEGIN PGP PUBLIC KEY BLOCK-----\n');
  return directory;
}

test('addSuites writes what is read again', async () => {
  const directory = grove();
  const releaseFields = { origin: 'Old "one"', label: '', notAutomatic: true };
  const components = ['main'];
  const bookworm = {
    ...{ repository: 'old', codename: 'oldstable', components, architectures: ['amd64', 'arm64'] },
    ...{ versions: 'all' as const, releaseFields },
  };
  const { tables, distribution } = await addSuites(directory, 'old', [['bookworm', bookworm]]);
  assert.equal(
    tables.join('\n'),
    `[repository.old]

[suite.bookworm]
repository = "old"
codename = "oldstable"
components = ["main"]
architectures = ["amd64", "arm64"]
versions = "all"
release-fields = { origin = "Old \\"one\\"", label = "", not-automatic = true }
`,
  );
  const suite = distribution.suites.get(parseSuiteName('bookworm'))!;
  assert.deepEqual(JSON.parse(JSON.stringify(suite.releaseFields)), releaseFields);
  assert.equal(suite.repository, parseLabel('old'));
  assert.ok(readFileSync(join(directory, 'sheaf.toml'), 'utf8').startsWith(settings));
});

test('addSuites writes all tables or none, and none when it only looks', async () => {
  const directory = grove();
  const plain = { repository: 'old', components: ['main'], architectures: ['amd64'] };
  const twice = { ...plain, components: ['main', 'main'] };
  const suites = [['one', plain] as const, ['two', twice] as const];
  for (const check of [true, false]) {
    await assert.rejects(addSuites(directory, 'old', suites, { check }), /Cannot add suite "two": .*every entry once/s);
  }
  await assert.rejects(addSuites(directory, 'old', [suites[0]!, suites[0]!]), { code: 'suite-exists' });
  const { tables } = await addSuites(directory, 'old', [suites[0]!], { check: true });
  assert.equal(tables.length, 2);
  assert.equal(readFileSync(join(directory, 'sheaf.toml'), 'utf8'), settings);
});

test('addSuites says what other suites need first', async () => {
  const directory = grove(settings.replace('repository = "main"\n', ''));
  await assert.rejects(addSuites(directory, 'old', []), (error: Error & { hint?: string }) => {
    assert.match(error.hint!, /write repository = "NAME" there first/);
    return true;
  });
  assert.doesNotMatch(readFileSync(join(directory, 'sheaf.toml'), 'utf8'), /repository\.old/);
});
