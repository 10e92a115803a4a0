import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

import { userName } from './actor.ts';

const isRoot = process.getuid!() === 0;

test('userName gives a number where there is no name for it', { skip: !isRoot && 'only root becomes another' }, () => {
  const module = join(import.meta.dirname, 'actor.ts');
  // Imported first: the checkout may be where only root can read.
  const script = `const { userName } = await import(${JSON.stringify(module)}); process.setuid(54321); process.stdout.write(userName())`;
  const said = execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
  assert.equal(said, 'user 54321');
  assert.equal(userName(), 'root');
});
