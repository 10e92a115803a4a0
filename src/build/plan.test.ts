import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Suite } from '../model/distribution.ts';
import { planBinaryTasks } from './plan.ts';

const suite = { architectures: ['amd64', 'arm64'], archAll: 'amd64' } as unknown as Suite;

const cases = [
  { architectures: ['any'], jobs: ['amd64 any', 'arm64 any'] },
  { architectures: ['all'], jobs: ['amd64 all'] },
  { architectures: ['any', 'all'], jobs: ['amd64 any+all', 'arm64 any'] },
  { architectures: ['arm64'], jobs: ['arm64 any'] },
  { architectures: ['arm64', 'all'], jobs: ['amd64 all', 'arm64 any'] },
  { architectures: ['kfreebsd-any'], jobs: [] },
];

for (const { architectures, jobs } of cases) {
  test(`planBinaryTasks makes [${jobs.join(', ')}] of Architecture: ${architectures.join(' ')}`, () => {
    assert.deepEqual(
      planBinaryTasks(architectures, suite).map((task) => `${task.architecture} ${task.builds}`),
      jobs,
    );
  });
}
