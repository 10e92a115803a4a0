/** Rebuilds to look at, of what test/seed.ts has published and of an upstream. */
import type { Cause } from '../src/model/rebuild.ts';
import type { Blobs } from '../src/plumbing/blobs.ts';
import type { Db } from '../src/tracker/store.ts';
import { rebuildResult, recordResults, testRebuilder } from './rebuilds.ts';
import { seedNow } from './seed.ts';

const before = (days: number): string => new Date(seedNow.getTime() - days * 86_400_000).toISOString();
const confirmed = (kind: Cause['kind'], detail: string): Cause => ({ kind, detail, confirmed: true });

export async function seedRebuilds(db: Db, blobs: Blobs): Promise<number[]> {
  const log = await blobs.putBytes(
    Array.from({ length: 200 }, (_, line) => `dh_auto_build: step ${line} of the rebuild\n`).join(''),
  );
  const side = (file: string, size: number) => ({ file, size, sha256: 'a'.repeat(64) });
  const difference = await blobs.putBytes(
    JSON.stringify({
      'hello_2.10-3_amd64.deb': {
        ...{ left: side('hello_2.10-3_amd64.deb', 53_080), right: side('hello_2.10-3_amd64.deb', 53_076) },
        ...{ equal: false, omitted: 0 },
        differences: [
          {
            ...{ kind: 'content', part: 'data', path: './usr/bin/hello', format: 'elf', omitted: 0 },
            ...{ left: { size: 30_000 }, right: { size: 30_000 } },
            details: [
              { kind: 'build-id', left: '09fd9', right: '82c1a' },
              { kind: 'strings', section: '.rodata', left: ['2022'], right: ['2026 <b>&'] },
            ],
          },
        ],
      },
    }),
  );
  const span = (days: number) => ({ startedOn: before(days + 0.002), finishedOn: before(days) });
  const upstream = { place: 'debian/trixie' };
  return recordResults({ db, blobs, now: () => seedNow }, testRebuilder('anvil'), [
    rebuildResult({ ...span(9), verdict: 'unknown', reason: 'The history does not have debhelper 13.11.4' }),
    rebuildResult({
      ...{ ...span(0.01), verdict: 'differs', log: log.sha256, difference: difference.sha256 },
      causes: [
        confirmed('clock', 'the year of the build is in /usr/bin/hello'),
        { kind: 'umask', detail: '', confirmed: false },
      ],
      experiments: [
        { restored: 'build path', verdict: 'differs', seconds: 41 },
        { restored: 'clock', verdict: 'reproduced', seconds: 39 },
      ],
    }),
    rebuildResult({ ...span(8), ...upstream, name: 'sed', version: '4.9-2' }),
    rebuildResult({
      ...span(6),
      ...upstream,
      name: 'tar',
      version: '1.35-3',
      verdict: 'failed',
      reason: 'The tests need the network',
    }),
    rebuildResult({ ...span(5), ...upstream, name: 'zlib1g', version: '1:1.3-1', architecture: 'arm64' }),
    rebuildResult({ ...span(3), ...upstream, name: 'tar', version: '1.35-3' }),
    rebuildResult({
      ...{ ...span(1), ...upstream, name: 'vim', version: '2:9.1-1', verdict: 'differs' },
      causes: [confirmed('dependency', 'libtinfo6 6.4-4'), confirmed('locale', 'the order of two lines')],
    }),
  ]);
}
