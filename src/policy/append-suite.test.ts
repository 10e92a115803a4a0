import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { parseLabel, parseSuiteName } from '../model/names.ts';
import { addRepository, addSuite } from './append-suite.ts';

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

test('addRepository and addSuite write what is read again', async () => {
  const directory = grove();
  await addRepository(directory, 'old');
  const releaseFields = { origin: 'Old "one"', label: '', notAutomatic: true };
  const components = ['main'];
  const { table, distribution } = await addSuite(directory, 'bookworm', {
    ...{ repository: 'old', codename: 'oldstable', components, architectures: ['amd64', 'arm64'] },
    ...{ versions: 'all', releaseFields },
  });
  assert.equal(
    table,
    `[suite.bookworm]
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

test('addRepository says what other suites need first', async () => {
  const directory = grove(settings.replace('repository = "main"\n', ''));
  await assert.rejects(addRepository(directory, 'old'), (error: Error & { hint?: string }) => {
    assert.match(error.hint!, /write repository = "NAME" there first/);
    return true;
  });
  assert.doesNotMatch(readFileSync(join(directory, 'sheaf.toml'), 'utf8'), /repository\.old/);
});
