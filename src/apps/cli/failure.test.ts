import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { SheafError } from '../../kit/error.ts';
import { exitCodeOf } from './exit.ts';
import { printError } from './failure.ts';

test('printError says of a full disk that room is needed, and the exit code that the environment lacks it', (t) => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const said: string[] = [];
  t.mock.method(process.stderr, 'write', (text: string) => said.push(text));
  printError(full, { json: false, command: 'sheaf suite publish' });
  t.mock.restoreAll();
  assert.match(said.join(''), /^sheaf: ENOSPC: no space left on device, write\nhint: Make room on the disk/);
  assert.deepEqual([exitCodeOf(full), exitCodeOf(new Error('other'))], [3, 1]);
  assert.equal(exitCodeOf(new SheafError('aborted', 'Stopped')), 130);
});

test('printError says who may not do something, and the exit code that the environment lacks it', (t) => {
  const denied = Object.assign(new Error("EACCES: permission denied, mkdir '/srv/x'"), { code: 'EACCES' });
  const said: string[] = [];
  t.mock.method(process.stderr, 'write', (text: string) => said.push(text));
  printError(denied, { json: false, command: 'sheaf init' });
  t.mock.restoreAll();
  assert.match(said.join(''), /^sheaf: EACCES: .*'\/srv\/x'\nhint: .+ may not do that there/);
  assert.equal(exitCodeOf(denied), 3);
});

test('printError says of a package that an update brought how to install it, and the exit code of what is lacking', async (t) => {
  const said: string[] = [];
  const absent = await import(`sheaf-${'none'}`).catch((error: unknown) => error);
  t.mock.method(process.stderr, 'write', (text: string) => said.push(text));
  printError(absent, { json: false, command: 'sheaf serve' });
  t.mock.restoreAll();
  assert.match(
    said.join(''),
    /^sheaf: Cannot find package 'sheaf-none' .*\nhint: This checkout .* run \/\S+\/run setup\n$/,
  );
  assert.equal(exitCodeOf(absent), 3);
});

test('printError says of a file that cannot be used which one it is, and the exit code that the command line is wrong', (t) => {
  const said: string[] = [];
  t.mock.method(process.stderr, 'write', (text: string) => said.push(text));
  const codes = [
    ['/dev/none/file', 'w'],
    ['/dev/null/file', 'r'],
    ['/', 'w'],
  ].map(([path, flags]) => {
    try {
      openSync(path!, flags!);
    } catch (error) {
      printError(error, { json: false, command: 'sheaf manifest' });
      return exitCodeOf(error);
    }
  });
  assert.throws(
    () => mkdirSync('/dev/null/folder'),
    (error) => {
      printError(error, { json: false, command: 'sheaf init' });
      return exitCodeOf(error) === 2;
    },
  );
  t.mock.restoreAll();
  assert.match(
    said.join(''),
    /sheaf: Cannot make the folder \/dev\/null\/folder: not a directory\nhint: A file is where/,
  );
  assert.match(
    said.join(''),
    /^sheaf: Cannot use \/dev\/none\/file: no such file or directory\nhint: See that the path/,
  );
  assert.match(said.join(''), /sheaf: Cannot use \/dev\/null\/file: not a directory\n/);
  assert.deepEqual(codes, [2, 2, 2]);
  const denied = Object.assign(new Error("EACCES: permission denied, open '/x'"), { code: 'EACCES', path: '/x' });
  assert.equal(exitCodeOf(denied), 3);
});

test('printError says which link leads to a place that is not there', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sheaf-link-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const link = join(directory, 'www');
  symlinkSync('/dev/none/disk', link);
  const said: string[] = [];
  t.mock.method(process.stderr, 'write', (text: string) => said.push(text));
  for (const path of [link, join(link, 'main')]) {
    const error: unknown = await mkdir(path, { recursive: true }).then(undefined, (reason: unknown) => reason);
    printError(error, { json: false, command: 'sheaf archive export' });
    assert.equal(exitCodeOf(error), 2);
  }
  t.mock.restoreAll();
  const hints = said.filter((each) => each.startsWith('hint: '));
  const leads = `hint: ${link} is a link to /dev/none/disk, where nothing is: mount what it leads to, or name another place.\n`;
  assert.deepEqual(hints, [leads, leads]);
});
