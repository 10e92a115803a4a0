/** What web pages and the API need, over a test database. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { actionsOf } from '../src/apps/actions.ts';
import type { WebDeps } from '../src/apps/web/mod.ts';
import type { ArchiveDeps } from '../src/archive/mod.ts';
import { countChanges } from '../src/compare/mod.ts';
import { listen } from '../src/db/notify.ts';
import { comparePlaces } from '../src/flows/compare-places.ts';
import type { Distribution } from '../src/model/distribution.ts';
import { Blobs } from '../src/plumbing/blobs.ts';
import { openIndexStore } from '../src/plumbing/history/store.ts';
import type { TestDatabase } from './database.ts';
import { seedDistribution, seedNow } from './seed.ts';

const armored = `-----BEGIN PGP PUBLIC KEY BLOCK-----

xjMEaSBV3RYJKwYBBAHaRw8BAQdAZ2VuZXJhdGVkIGZvciBhIHRlc3Qgb25seSBr
ZXk9zSJGaWVsZE9TIGFyY2hpdmUgPGFyY2hpdmVAZXhhbXBsZS5vcmc+wowEEBYK
=abcd
-----END PGP PUBLIC KEY BLOCK-----
`;

/** Without an archive, actions that change one fail. */
export async function testWebDeps(
  database: TestDatabase,
  distribution: Distribution = seedDistribution(),
  archive?: ArchiveDeps,
) {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-web-'));
  const blobs = archive?.blobs ?? new Blobs(directory);
  const now = { current: seedNow, people: distribution.people };
  const store = await openIndexStore(join(directory, 'history'));
  const history = { db: database.db, store, countChanges };
  const reported: unknown[] = [];
  const deps: WebDeps = {
    db: database.db,
    distribution,
    blobs,
    now: () => now.current,
    listen: (channels, onMessage, onReconnect) => listen(database.pool, channels, onMessage, onReconnect),
    archive: {
      keys: async (repository) =>
        repository === 'main'
          ? [
              {
                fingerprint: 'A1B2C3D4E5F60718293A4B5C6D7E8F9001122334',
                created: new Date('2026-01-05T08:00:00Z'),
                expires: new Date('2029-01-05T08:00:00Z'),
              },
            ]
          : [],
      publicKey: async () => armored,
      aptSources: async (suite) =>
        `Types: deb deb-src\nURIs: ${distribution.url}/main/\nSuites: ${suite}\nComponents: main\nSigned-By:\n${armored
          .trimEnd()
          .split('\n')
          .map((line) => ` ${line === '' ? '.' : line}`)
          .join('\n')}\n`,
    },
    countLocked: async () => 153,
    history,
    storeNumbers: () => store.stats(),
    compare: (a, b, options) => comparePlaces({ history: { ...history, distribution } }, a, b, options),
    actions: actionsOf(
      archive ?? ({ db: database.db, distribution, blobs } as ArchiveDeps),
      { now: () => now.current },
      async () => ({ ...distribution, people: now.people }),
    ),
    report: (error) => reported.push(error),
  };
  const close = async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  };
  return { deps, blobs, reported, now, close };
}
