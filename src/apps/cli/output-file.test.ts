import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  lstatSync,
  mkdtempSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { checkOutputFile, writeOutputFile } from './output-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-output-'));
const at = (name: string) => join(directory, name);
mkdirSync(at('folder'));
writeFileSync(at('file'), '');
after(() => rmSync(directory, { recursive: true }));

for (const [name, reason] of [
  ['no/file', /Cannot write \S+\/no\/file: there is no folder \S+\/no$/],
  ['file/below', /\/file is no folder$/],
  ['folder', /Cannot write \S+\/folder: it is a folder$/],
] as const) {
  test(`${name} cannot be written, and the reason is said before and then`, async () => {
    const refusal = { code: 'output-unwritable', kind: 'usage', message: reason };
    await assert.rejects(checkOutputFile(at(name)), refusal);
    await assert.rejects(writeOutputFile(at(name), 'text'), refusal);
    assert.deepEqual(readdirSync(directory).toSorted(), ['file', 'folder']);
  });
}

test('writeOutputFile says whether anything changed, and follows links', async () => {
  symlinkSync('file', at('link'));
  assert.deepEqual(
    [await writeOutputFile(at('link'), 'text'), await writeOutputFile(at('link'), 'text')],
    [true, false],
  );
  assert.deepEqual([lstatSync(at('link')).isSymbolicLink(), readFileSync(at('file'), 'utf8')], [true, 'text']);
});

test('writeOutputFile writes to what is no plain file', async () => {
  await checkOutputFile('/dev/null');
  const module = join(import.meta.dirname, 'output-file.ts');
  const script = `import(${JSON.stringify(module)}).then(({ writeOutputFile }) => writeOutputFile('/dev/stdout', 'text'))`;
  // Its standard output is a pipe, that of a shell another.
  const { stdout } = spawnSync('sh', ['-c', '"$0" --eval "$1" | cat', process.execPath, script], { encoding: 'utf8' });
  assert.equal(stdout, 'text');
  assert.ok(lstatSync('/dev/stdout').isSymbolicLink());
});
