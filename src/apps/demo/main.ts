/**
 * `./run demo`: a whole distribution in one command. Read it as the table of contents of what Sheaf does.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { SheafError } from '../../kit/error.ts';
import { exitCodeOf, exitCodes } from '../cli/exit.ts';
import { printError } from '../cli/failure.ts';
import { Demo } from './demo.ts';
import { formatSummary } from './summary.ts';

const help = `usage: ./run demo [--once] [--json] [--dir DIR] [--fresh] [--port PORT]

Makes a distribution in DIR (default: demo-data in the checkout), builds two real Debian packages from signed tags,
publishes them, shows two refusals, and installs a package on clean Debian 12 and 13 roots with their own apt.

  --once       end when everything has been shown, with exit code 0 only if all of it held
  --json       write a summary as JSON on standard output
  --dir DIR    where everything is kept; a second run there goes on with new versions
  --fresh      start over: remove what an earlier run left in DIR
  --port PORT  port of the web pages (default 8642)
`;

try {
  const options = readOptions();
  if (options.help) process.stdout.write(help);
  else await main(options);
} catch (error) {
  process.stderr.write('\n');
  printError(error, { json: false, command: './run demo' });
  process.exitCode = exitCodeOf(error);
}

type Options = ReturnType<typeof readOptions>;

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        fresh: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        dir: { type: 'string', default: join(import.meta.dirname, '../../../demo-data') },
        port: { type: 'string', default: '8642' },
      },
    });
    if (values.dir === '') throw new Error('--dir needs the name of a folder');
    const port = Number(values.port);
    if (!/^\d+$/.test(values.port) || port < 1 || port > 65_535) {
      throw new Error(`--port takes a number from 1 to 65535, not "${values.port}"`);
    }
    return { ...values, port };
  } catch (error) {
    const { message } = error as Error;
    throw new SheafError('usage', message, { kind: 'usage', hint: 'See: ./run demo --help', cause: error });
  }
}

async function main({ dir, port, fresh, json, once }: Options): Promise<void> {
  const demo = new Demo({ directory: dir, port, fresh });
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  try {
    const summary = await Promise.race([demo.run(), stopped.then(() => undefined)]);
    if (summary === undefined) {
      process.exitCode = exitCodes.stopped;
      return;
    }
    process.stderr.write(formatSummary(summary));
    if (json) process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    if (once) return;
    process.stderr.write('Serving until Ctrl-C.\n');
    await stopped;
  } finally {
    await demo.close();
  }
}
