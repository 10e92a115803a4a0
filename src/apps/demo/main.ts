/**
 * `./run demo`: a whole distribution in one command. Read it as the table of contents of what Sheaf does.
 */
import { parseArgs } from 'node:util';

import { describeError, SheafError } from '../../kit/error.ts';
import { Demo } from './demo.ts';
import { formatSummary } from './summary.ts';

const help = `usage: ./run demo [--once] [--json] [--dir DIR] [--fresh] [--port PORT]

Makes a distribution in DIR (default ./demo-data), builds two real Debian packages from signed tags, publishes them,
shows two refusals, and installs a package on clean Debian 12 and 13 roots with their own apt.

  --once       end when everything has been shown, with exit code 0 only if all of it held
  --json       write a summary as JSON on standard output
  --dir DIR    where everything is kept; a second run there goes on with new versions
  --fresh      start over: remove what an earlier run left in DIR
  --port PORT  port of the web pages (default 8642)
`;

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
    dir: { type: 'string', default: 'demo-data' },
    port: { type: 'string', default: '8642' },
  },
});

if (values.help) {
  process.stdout.write(help);
} else {
  await main();
}

async function main(): Promise<void> {
  const demo = new Demo({ directory: values.dir, port: Number(values.port), fresh: values.fresh });
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  try {
    const summary = await Promise.race([demo.run(), stopped.then(() => undefined)]);
    if (summary === undefined) {
      process.exitCode = 130;
      return;
    }
    process.stderr.write(formatSummary(summary));
    if (values.json) process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    if (values.once) return;
    process.stderr.write('Serving until Ctrl-C.\n');
    await stopped;
  } catch (error) {
    process.stderr.write(`\ndemo: ${describeError(error)}\n`);
    if (error instanceof SheafError && error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
    process.exitCode = error instanceof SheafError && error.kind === 'environment' ? 3 : 1;
  } finally {
    await demo.close();
  }
}
