import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { historyWorld, type HistoryWorld } from '../../../../test/history-world.ts';
import { toyDistribution } from '../../../../test/toy-archive.ts';
import { SheafError } from '../../../kit/error.ts';
import { parseArchitecture } from '../../../model/names.ts';
import { formatQueue, runQueue, type QueueFlags } from './queue.ts';
import type { Workshop } from './workshop.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-queue-'));
let world: HistoryWorld;
let workshop: Workshop;
const said: string[] = [];

before(async () => {
  world = await historyWorld();
  await world.record({ origin: 'debian', suite: 'sid', snapshotId: '20260101T000000Z' }, [
    { name: 'hello' },
    { name: 'libzed1', source: 'zed' },
  ]);
  workshop = {
    house: { history: world.deps, distribution: toyDistribution(directory) },
    ...{
      directory,
      signal: new AbortController().signal,
      progress: { at: () => {}, line: (text: string) => void said.push(text), end: () => {} },
    },
    // Nothing is built here.
  } as unknown as Workshop;
});
after(async () => {
  await world.close();
  await rm(directory, { recursive: true });
});

const run = (flags: Partial<QueueFlags> = {}, patterns: readonly string[] = []) =>
  runQueue(workshop, patterns, {
    ...{ from: ['debian/sid'], arch: parseArchitecture('amd64'), experiments: 0, attempts: 1, limit: 0 },
    ...flags,
  });

test('runQueue says of a list that it cannot use which it is, why, and what a list is', async () => {
  await writeFile(join(directory, 'bad'), 'hello\nHello World\n');
  for (const [flags, message, hint] of [
    [{ allow: join(directory, 'none') }, /list .*\/none: there is no such file/, /a source package a line/],
    [{ deny: directory }, /: it is not a file/, /a source package a line/],
    [{ popularity: join(directory, 'none') }, /list .*\/none: there is no such file/, /by_inst of popcon/],
    [{ allow: join(directory, 'bad') }, /found "Hello World"/, /# begins a comment/],
    [{ popularity: join(directory, 'bad') }, /expected "rank name installations"/, /by_inst of popcon/],
  ] as const) {
    const isTold = (error: unknown) => {
      assert.ok(error instanceof SheafError && error.kind === 'usage');
      assert.match(error.message, message);
      assert.match(error.hint!, hint);
      return true;
    };
    await assert.rejects(run(flags), isTold);
  }
});

test('runQueue selects source packages, and says when none fits', async () => {
  const queue = await run({}, ['z*']);
  assert.deepEqual([queue.place, queue.selected, queue.done], ['debian/sid@20260101T000000Z', 0, []]);
  assert.deepEqual(queue.unmatched, []);
  const more = await run({}, ['zed', 'libzed1', 'y*']);
  assert.deepEqual(more.unmatched, ['libzed1', 'y*']);
  assert.match(formatQueue(more).join('\n'), /No source package there .* fits: libzed1, y\*$/);
  assert.match(formatQueue(queue)[0]!, /^0 of 0 source packages of debian\/sid@/);
  await assert.rejects(run({}, ['libzed1']), {
    code: 'nothing-to-rebuild',
    kind: 'usage',
    message: /none of the 2 source packages of debian\/sid for amd64 fits/,
  });
  await assert.rejects(run({ arch: parseArchitecture('arm64') }), { message: /has no package for arm64/ });
});

test('runQueue forgets nothing of packages that were not selected this time', async () => {
  const tell = ({ done }: Awaited<ReturnType<typeof run>>) => done.map(({ source, verdict }) => [source, verdict]);
  const flags = { limit: 2, lock: join(directory, 'no-such-lock') };
  assert.deepEqual(tell(await run(flags, ['hello'])), [['hello', 'unknown']]);
  assert.deepEqual(tell(await run({ ...flags, again: true }, ['zed'])), [['zed', 'unknown']]);
  said.length = 0;
  assert.deepEqual(tell(await run(flags)), [
    ['hello', 'unknown'],
    ['zed', 'unknown'],
  ]);
  assert.deepEqual(said, [], 'nothing was left to do');
});

test('runQueue takes every .dsc of a folder, and says what of a folder is not one', async () => {
  const folder = join(directory, 'a pool');
  await mkdir(folder);
  await assert.rejects(run({}, [folder]), { code: 'nothing-to-rebuild', message: /a pool has no \.dsc/ });
  for (const name of ['hello_1.dsc', 'hello_2.dsc', 'libzed_1.dsc']) await writeFile(join(folder, name), 'no dsc');
  const deny = join(directory, 'denied');
  await writeFile(deny, 'lib*\n');
  const allow = join(directory, 'allowed');
  await writeFile(allow, 'hello\nlibzed\nhallo\n');
  const queue = await run({ limit: 9, deny, allow }, [folder]);
  assert.deepEqual(queue.unmatched, ['hallo']);
  assert.equal(queue.place, folder);
  assert.deepEqual(queue.done.map(({ source, verdict }) => [source, verdict]), [['hello_1.dsc', 'unknown'], ['hello_2.dsc', 'unknown']]); // prettier-ignore
  assert.match(queue.done[0]!.reason!, /hello_1\.dsc:1: /);
  await assert.rejects(run({ from: [] }, [folder]), { kind: 'usage', message: /where the dependencies come from/ });
  const none = join(directory, 'none');
  await assert.rejects(run({}, [none]), { kind: 'usage', message: /none: there is no such folder/ });
  await assert.rejects(run({}, ['zed', folder]), { kind: 'usage', message: /a folder stands alone/ });
});
