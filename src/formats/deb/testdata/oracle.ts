/** The real tools that the tests of these formats compare with. */
import assert from 'node:assert/strict';
import { execFileSync, type ExecFileSyncOptions } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SheafError } from '../../../kit/error.ts';

export function run(command: string, argv: readonly string[], options: ExecFileSyncOptions = {}): Buffer {
  const env = { ...process.env, LC_ALL: 'C.UTF-8', SOURCE_DATE_EPOCH: '1700000000' };
  return execFileSync(command, argv, {
    maxBuffer: 2 ** 29,
    timeout: 60_000,
    stdio: ['pipe', 'pipe', 'pipe'],
    env,
    ...options,
  }) as Buffer;
}

/** A reason to skip, when one of the programs is not installed. */
export function missing(...programs: readonly string[]): string | false {
  const directories = (process.env['PATH'] ?? '').split(':');
  const absent = programs.filter((program) => !directories.some((each) => existsSync(join(each, program))));
  return absent.length > 0 && `not installed: ${absent.join(', ')}`;
}

/** A reason to skip, when perl has no Dpkg modules. */
export function missingDpkgPerl(): string | false {
  try {
    run('perl', ['-MDpkg::Control', '-MDpkg::Version', '-MJSON::PP', '-e', '1']);
    return false;
  } catch {
    return 'not installed: libdpkg-perl';
  }
}

export function temporaryDirectory(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'sheaf-formats-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** The largest downloaded Packages file of this machine's apt, or undefined. */
export function largestPackages(): string | undefined {
  const lists = '/var/lib/apt/lists';
  const found = existsSync(lists) ? readdirSync(lists).filter((name) => /_Packages(?:\.\w+)?$/.test(name)) : [];
  const texts = found.map((name) => run('/usr/lib/apt/apt-helper', ['cat-file', join(lists, name)]).toString('utf8'));
  return texts.toSorted((a, b) => b.length - a.length)[0];
}

/** For assert.throws: a SheafError with this code, whose message or place matches. */
export function refusal(code: string, message: RegExp, line?: number): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof SheafError, `expected a SheafError, got ${String(error)}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    if (line !== undefined) assert.equal(error.place?.line, line);
    return true;
  };
}
