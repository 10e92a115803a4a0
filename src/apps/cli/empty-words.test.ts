import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createRoot } from './program.ts';

/** What came of a command line: the words that the command got, or the message. */
async function outcome(...words: readonly string[]): Promise<unknown> {
  const root = createRoot();
  let got: unknown;
  const noun = root.command('toy');
  noun
    .command('show')
    .argument('<name>')
    .argument('[other...]')
    .option('--output <file>')
    .option('--suite <suite...>')
    .action((name, others) => {
      got = [name, ...others];
    });
  noun
    .command('run')
    .argument('<lock>')
    .argument('<command...>')
    .action((lock, command) => {
      got = [lock, ...command];
    });
  try {
    await root.parseAsync(['toy', ...words], { from: 'user' });
  } catch (error) {
    return (error as Error).message;
  }
  return got;
}

test('refuseEmptyWords refuses an empty argument or option before the command starts', async () => {
  assert.equal(await outcome('show', ''), "argument 'name' is empty");
  assert.equal(await outcome('show', 'a', 'b', ''), "argument 'other' is empty");
  assert.equal(await outcome('show', 'a', '--output', ''), "option '--output <file>' is empty");
  assert.equal(await outcome('show', 'a', '--suite', 'b', ''), "option '--suite <suite...>' is empty");
  assert.equal(await outcome('--dir', '', 'show', 'a'), "option '-C, --dir <dir>' is empty");
  assert.deepEqual(await outcome('show', 'a', 'b', '--output', 'c'), ['a', 'b']);
});

test('refuseEmptyWords leaves alone what a program elsewhere is given', async () => {
  assert.deepEqual(await outcome('run', 'a.lock', '--', 'sh', '-c', ''), ['a.lock', 'sh', '-c', '']);
  assert.equal(await outcome('run', '', '--', 'true'), "argument 'lock' is empty");
});
