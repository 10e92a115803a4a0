import assert from 'node:assert/strict';
import { test } from 'node:test';

import { run, runChecked } from './process.ts';

test('run gives exit code, output and error output', async () => {
  const result = await run(['sh', '-c', 'echo out; echo err >&2; exit 7']);
  assert.deepEqual([result.code, result.stdout.toString(), result.stderr], [7, 'out\n', 'err\n']);
});

test('run passes arguments as they are and no environment of ours', async () => {
  process.env['SHEAF_SECRET_FOR_TEST'] = 'x';
  const result = await run(['sh', '-c', 'printf %s "$1"; env', 'sh', '$(id) "; \n']);
  assert.ok(result.stdout.toString().startsWith('$(id) "; \n'));
  assert.doesNotMatch(result.stdout.toString(), /SHEAF_SECRET/);
});

test('run feeds the input', async () => {
  assert.equal((await run(['cat'], { input: 'hello' })).stdout.toString(), 'hello');
  assert.equal((await run(['true'], { input: 'x'.repeat(2 ** 20) })).code, 0);
});

test('run ends a program and its children when the time is over', { timeout: 60_000 }, async () => {
  // It waits for the end of its output, which a child that lives on would hold open.
  await assert.rejects(run(['sh', '-c', 'sleep 1d & sleep 1d'], { timeout: 200 }), { code: 'program-timeout' });
});

test('run ends a program that says too much', async () => {
  await assert.rejects(run(['yes'], { limit: 1000 }), { code: 'program-output' });
});

test('run names a missing program', async () => {
  await assert.rejects(run(['no-such-program-here']), { code: 'program-missing', kind: 'environment' });
});

test('run reports a signal as shells do and runChecked makes failures errors', async () => {
  assert.equal((await run(['sh', '-c', 'kill -TERM $$'])).code, 143);
  await assert.rejects(runChecked(['sh', '-c', 'echo no luck >&2; exit 3']), /exit code 3: no luck/);
});

test('run can be called off', async () => {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(run(['sleep', '60'], { signal: controller.signal }), { code: 'aborted' });
});
