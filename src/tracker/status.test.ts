import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { JobState } from '../model/job.ts';
import { statusOf, type StatusFacts } from './status.ts';
import type { LivePackageRow, TagBuildRow } from './store.ts';

const at = new Date('2026-11-21T10:00:00Z');

function tag(id: number, state: TagBuildRow['state'], version = '2'): TagBuildRow {
  const refusals =
    state === 'REJECTED' ? [{ code: 'unsigned-tag' as const, message: 'The tag is unsigned', hint: '' }] : [];
  return {
    id,
    state,
    version,
    tag: `debian/${version}`,
    judged_at: at,
    refusals,
    obstacle: null,
  } as unknown as TagBuildRow;
}

function job(kind: 'source' | 'binary', state: JobState, changes: object = {}): StatusFacts['jobs'][number] {
  return {
    id: 7,
    kind,
    state,
    builds: kind === 'source' ? 'source' : 'any',
    architecture: 'amd64',
    reason: '',
    attempt: 1,
    max_attempts: 3,
    worker: 'anvil',
    pool: 'default',
    created_at: at,
    finished_at: null,
    ...changes,
  };
}

function publication(changes: object = {}): LivePackageRow {
  return {
    suite: 'stable',
    source: 'hello',
    state: 'PUBLISHED',
    version: '1',
    architecture: 'amd64',
    created_at: at,
    published_at: at,
    ended_at: null,
    first_snapshot: 3,
    ...changes,
  } as LivePackageRow;
}

const facts = (changes: Partial<StatusFacts>): StatusFacts => ({
  source: 'hello',
  suite: 'stable',
  admitted: undefined,
  jobs: [],
  refused: undefined,
  publications: [],
  outside: undefined,
  ...changes,
});

const made = job('source', 'Installed');
const cases: readonly (readonly [string, Partial<StatusFacts>, string, RegExp])[] = [
  ['an admitted tag without jobs', { admitted: tag(1, 'ACCEPTED') }, 'ACCEPTED', /about to be queued/],
  [
    'a waiting source job',
    { admitted: tag(1, 'ACCEPTED'), jobs: [job('source', 'Needs-Build')] },
    'Needs-Build',
    /waits for a free worker/,
  ],
  [
    'a running source job',
    { admitted: tag(1, 'ACCEPTED'), jobs: [job('source', 'Building')] },
    'Needs-Build',
    /being made now/,
  ],
  [
    'a failed source job',
    { admitted: tag(1, 'ACCEPTED'), jobs: [job('source', 'Failed', { reason: 'no tar' })] },
    'Failed',
    /source package could not be made\. no tar\./,
  ],
  [
    'a made source package',
    { admitted: tag(1, 'ACCEPTED'), jobs: [made] },
    'Needs-Build',
    /build is about to be queued/,
  ],
  [
    'a running build',
    { admitted: tag(1, 'ACCEPTED'), jobs: [made, job('binary', 'Building')] },
    'Building',
    /Worker anvil .*attempt 1 of 3/,
  ],
  [
    'a build for another architecture only',
    { admitted: tag(1, 'ACCEPTED'), jobs: [made, job('binary', 'Building', { architecture: 'arm64' })] },
    'Not-For-Us',
    /makes nothing for amd64/,
  ],
  [
    'a build of arch:all packages elsewhere',
    { admitted: tag(1, 'ACCEPTED'), jobs: [made, job('binary', 'Built', { architecture: 'arm64', builds: 'all' })] },
    'Built',
    /same for every architecture/,
  ],
  [
    'an update under way of something published',
    { admitted: tag(1, 'ACCEPTED'), jobs: [made, job('binary', 'Failed')], publications: [publication()] },
    'Failed',
    /failed/,
  ],
  [
    'something published',
    { admitted: tag(1, 'DONE'), publications: [publication()] },
    'PUBLISHED',
    /Version 1 is in the suite since stable@3/,
  ],
  [
    'something published as arch:all',
    { publications: [publication({ architecture: 'all' })] },
    'PUBLISHED',
    /since stable@3/,
  ],
  [
    'something published, and a newer tag refused',
    { admitted: tag(1, 'DONE'), refused: tag(2, 'REJECTED', '3'), publications: [publication()] },
    'PUBLISHED',
    /newer tag, debian\/3, was refused\. The tag is unsigned\./,
  ],
  [
    'an older refusal',
    { admitted: tag(5, 'DONE'), refused: tag(2, 'REJECTED'), publications: [publication()] },
    'PUBLISHED',
    /since stable@3\.$/,
  ],
  ['only a refusal', { refused: tag(2, 'REJECTED') }, 'REJECTED', /The tag is unsigned/],
  [
    'something that left the suite',
    { publications: [publication({ state: 'DELETED', ended_at: at })] },
    'DELETED',
    /is no longer/,
  ],
  [
    'something published for another architecture only',
    { publications: [publication({ architecture: 'arm64' })] },
    'Not-For-Us',
    /makes nothing for amd64/,
  ],
  [
    'something that came before the suite had the architecture',
    {
      admitted: tag(1, 'DONE'),
      jobs: [made, job('binary', 'Installed', { architecture: 'arm64' })],
      publications: [
        publication({ architecture: 'arm64' }),
        publication({ architecture: 'source', builds_for: 'linux-any all' }),
      ],
    },
    'Not-For-Us',
    /^Version 1 came without packages for amd64\. Release the next one/,
  ],
  [
    'something for another architecture by name',
    {
      publications: [
        publication({ architecture: 'arm64' }),
        publication({ architecture: 'source', builds_for: 'arm64 all' }),
      ],
    },
    'Not-For-Us',
    /makes nothing for amd64/,
  ],
  [
    'something published in a component that was taken out of the suite',
    { admitted: tag(1, 'DONE'), jobs: [made], outside: publication({ version: '2', component: 'contrib' }) },
    'Not-For-Us',
    /^Version 2 is of component contrib, which suite stable does not have: no index lists it/,
  ],
  [
    'a tag that cannot go on, and why',
    { admitted: { ...tag(1, 'ACCEPTED'), obstacle: 'Cannot fetch a: no route to host. Look at the network.' } },
    'ACCEPTED',
    /about to be queued\. It cannot go on now, and is tried again: Cannot fetch a: no route to host\. Look at/,
  ],
  [
    'an uploaded source whose packages were uploaded while their build waited',
    {
      admitted: { ...tag(1, 'ACCEPTED'), upload: {} as TagBuildRow['upload'] },
      jobs: [job('binary', 'Cancelled'), job('binary', 'Building', { architecture: 'arm64' })],
      publications: [publication({ version: '2' })],
    },
    'PUBLISHED',
    /Version 2 is in the suite/,
  ],
  [
    'an uploaded source whose build was cancelled, and of which other packages are in the suite',
    {
      admitted: { ...tag(1, 'ACCEPTED'), upload: {} as TagBuildRow['upload'] },
      jobs: [job('binary', 'Cancelled')],
      publications: [publication({ version: '2', architecture: 'all' })],
    },
    'Cancelled',
    /Cancelled/,
  ],
];

for (const [what, changes, state, words] of cases) {
  test(`statusOf says ${state} for ${what}`, () => {
    const status = statusOf(facts(changes), 'amd64');
    assert.equal(status.state, state);
    assert.match(status.sentence, words);
    assert.match(status.sentence, /^\S.*[.!?…]$/s, 'a sentence');
  });
}

test('statusOf names the version that clients get while another is built', () => {
  const status = statusOf(
    facts({ admitted: tag(1, 'ACCEPTED', '2'), jobs: [job('binary', 'Building')], publications: [publication()] }),
    'amd64',
  );
  assert.deepEqual([status.version, status.published], ['2', '1']);
});
