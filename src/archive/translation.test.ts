import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';

import fc from 'fast-check';

import { readSuite } from '../../test/published-tree.ts';
import { addQuickPackages } from '../../test/quick-packages.ts';
import { toyArchive, toyDeps, type ToyArchive } from '../../test/toy-archive.ts';
import { field, parseStanzas } from '../formats/deb/deb822.ts';
import { isOwnDescription, readTranslations } from '../formats/deb/translation.ts';
import { parseArchitecture } from '../model/names.ts';
import { publishSuite } from './mod.ts';
import { listedFiles } from './release.ts';

const now = new Date('2026-11-21T03:00:00Z');
const settings = { architectures: ['amd64', 'arm64'].map(parseArchitecture), translation: true, contents: true };
const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');

const root = (toy: ToyArchive) => join(toy.directory, 'archive/main/dists/stable');
const files = (toy: ToyArchive) => listedFiles(readFileSync(join(root(toy), 'Release'), 'utf8'));
const index = (toy: ToyArchive, path: string) => gunzipSync(readFileSync(join(root(toy), `${path}.gz`)));

const source = fc.record({
  name: fc.constantFrom('alpha', 'beta', 'gamma'),
  version: fc.constantFrom('1', '2', '10'),
  component: fc.constant('main'),
  binaries: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('alpha', 'beta', 'shared'),
      version: fc.constantFrom('1', '2'),
      architecture: fc.constantFrom('amd64', 'arm64', 'all'),
    }),
    { selector: (each) => `${each.name} ${each.architecture}`, minLength: 1, maxLength: 4 },
  ),
});

test('Translation-en has every description of the packages once, changed or written anew', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(source, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 }),
      async (steps) => {
        const toy = await toyArchive({ ...settings, versions: 'all' });
        try {
          await publishSuite(toy.deps, 'stable', now);
          for (const step of steps) {
            for (const each of step) await addQuickPackages(toy.deps, 'stable', each, now);
            await publishSuite(toy.deps, 'stable', now);
            const byChange = files(toy);
            await publishSuite(toy.deps, 'stable', now, { whole: true });
            assert.deepEqual(files(toy), byChange);
            checkDescriptions(toy);
          }
          const seen = await readSuite(join(toy.directory, 'archive/main'), 'stable');
          assert.ok(seen.packages.length > 0);
        } finally {
          await toy.close();
        }
      },
    ),
    { numRuns: 6, endOnFailure: true },
  );
});

function checkDescriptions(toy: ToyArchive): void {
  const wanted = new Set<string>();
  for (const architecture of ['all', 'amd64', 'arm64']) {
    for (const stanza of parseStanzas(index(toy, `main/binary-${architecture}/Packages`).toString())) {
      wanted.add(`${field(stanza, 'Package')} ${field(stanza, 'Description-md5')}`);
    }
  }
  const found = [...readTranslations(index(toy, 'main/i18n/Translation-en'))];
  assert.deepEqual(found.map((each) => `${each.package} ${each.descriptionMd5}`).toSorted(), [...wanted].toSorted());
  assert.ok(found.every((each) => isOwnDescription(each, md5)));
}

test('switching translation on moves the long descriptions, and off brings them back', async (t) => {
  const toy = await toyArchive();
  t.after(toy.close);
  const binaries = [{ name: 'alpha', version: '1', architecture: 'amd64' }];
  await addQuickPackages(toy.deps, 'stable', { name: 'alpha', version: '1', component: 'main', binaries }, now);
  await toy.deps.db.updateTable('binary_package').set({ control: 'Package: alpha\nVersion: 1\nArchitecture: amd64\nDescription-md5: false\nDescription: short\n long\n' }).execute(); // prettier-ignore
  const publish = async (translation: boolean) => {
    const published = await publishSuite(toyDeps(toy.directory, toy.database.db, { translation }), 'stable', now);
    return [published.kind === 'published' && published.reason, index(toy, 'main/binary-amd64/Packages').toString()];
  };
  const [, before] = await publish(false);
  assert.match(String(before), /^Description: short\n long\n$/m);
  assert.doesNotMatch(String(before), /md5/);
  const [reason, text] = await publish(true);
  assert.equal(reason, 'settings');
  assert.match(String(text), /^Description: short\nDescription-md5: [0-9a-f]{32}\n$/m);
  assert.match(
    index(toy, 'main/i18n/Translation-en').toString(),
    /^Package: alpha\nDescription-md5: [0-9a-f]{32}\nDescription-en: short\n long\n\n$/,
  );
  assert.deepEqual(await publish(false), ['settings', before]);
});
