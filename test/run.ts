/** `node run.ts FILE...`: runs test files in the order given, which `node --test` does not: it sorts them. */
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

// One more than there are cores: a test waits half of its time for clocks, disks and other processes.
run({ files: process.argv.slice(2), concurrency: availableParallelism() + 1, timeout: 900_000 })
  .on('test:summary', ({ success }) => {
    if (!success) process.exitCode = 1;
  })
  .compose(spec)
  .pipe(process.stdout);
