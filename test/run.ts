/** `node run.ts FILE...`: runs test files in the order given, which `node --test` does not: it sorts them. */
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

run({ files: process.argv.slice(2), concurrency: 2, timeout: 900_000 })
  .on('test:summary', ({ success }) => {
    if (!success) process.exitCode = 1;
  })
  .compose(spec)
  .pipe(process.stdout);
