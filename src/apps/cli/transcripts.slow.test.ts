/**
 * Every file in testdata/transcripts is run in a fresh folder with a fresh database (a settled distribution in `grove`,
 * its tables filled by test/transcript-seed.ts). SHEAF_WRITE_GOLDENS=1 writes them anew; read the difference.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { testDatabase } from '../../../test/database.ts';
import { seedTranscripts } from '../../../test/transcript-seed.ts';
import { formatTranscript, openSession, parseTranscript, type Step } from './testing/transcript.ts';

const folder = join(import.meta.dirname, 'testdata/transcripts');

for (const name of readdirSync(folder)) {
  test(`sheaf prints what ${name} says`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sheaf-transcript-'));
    const database = await testDatabase();
    try {
      await seedTranscripts(database.db);
      const session = openSession(directory, {
        SHEAF_DATABASE_URL: database.url,
        SHEAF_DIR: '',
        GNUPGHOME: makeFolder(directory, 'gnupg'),
        HOME: directory,
        LC_ALL: 'C.UTF-8',
      });
      const file = join(folder, name);
      const steps: Step[] = [];
      for (const { command } of parseTranscript(readFileSync(file, 'utf8'))) {
        const lines = await session.run(command);
        steps.push({ command, expected: lines.map((line) => settle(line, directory)) });
      }
      const text = formatTranscript(steps);
      if (process.env['SHEAF_WRITE_GOLDENS'] === '1') writeFileSync(file, text);
      assert.equal(text, readFileSync(file, 'utf8'));
    } finally {
      await database.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

function makeFolder(directory: string, name: string): string {
  const path = join(directory, name);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/** What differs from run to run. */
function settle(line: string, directory: string): string {
  return line
    .replaceAll(directory, '/home')
    .replaceAll(/\b[0-9A-F]{40}\b/g, 'F'.repeat(40))
    .replaceAll(/SHA256:[A-Za-z0-9+/]{43}/g, `SHA256:${'s'.repeat(43)}`)
    .replaceAll(/AAAAC3[A-Za-z0-9+/=]+/g, 'AAAAC3…')
    .replaceAll(/\b20[2-9]\d-\d\d-\d\d([T ])\d\d:\d\d:\d\d(?:\.\d{3})?(?=Z|\b)/g, (time, between: string) =>
      time.startsWith('2026-11-20') ? time : `YYYY-MM-DD${between}hh:mm:ss`,
    )
    .replaceAll(/\b20\d{6}T\d{6}Z\b/g, 'YYYYMMDDThhmmssZ')
    .replaceAll(/^[A-Za-z0-9_-]{43}$/g, 't'.repeat(43))
    .replaceAll(/"token": "[A-Za-z0-9_-]{43}"/g, `"token": "${'t'.repeat(43)}"`);
}
