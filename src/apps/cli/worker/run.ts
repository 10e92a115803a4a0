/** Running this machine as a worker until it is told to stop. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { pino } from 'pino';

import { systemClock } from '../../../kit/clock.ts';
import { cacheDirectory } from '../../roots.ts';
import { openRuntime, readWorker, runWorker } from '../../worker/mod.ts';
import { lineLog } from '../serve/log.ts';
import { waitForSignal } from '../serve/run.ts';
import { workerHome } from './home.ts';

export type RunOptions = {
  readonly home?: string | undefined;
  readonly slots: number;
  readonly parallel?: number | undefined;
  readonly sandbox: 'unshare' | 'runc';
  readonly cache?: string | undefined;
  /** Milliseconds. */
  readonly grace: number;
  readonly json: boolean;
};

export async function runUntilStopped(options: RunOptions): Promise<void> {
  const home = workerHome(options.home);
  const { settings, key } = await readWorker(home);
  const log = options.json ? pino({ base: null }) : pino({ base: null }, lineLog(process.stdout));
  const stop = new AbortController();
  void waitForSignal().then((signal) => {
    log.info(`stopping (${signal}); a second signal ends at once`);
    stop.abort();
  });
  const { slots, grace } = options;
  await runWorker({
    settings,
    key,
    runtime: await openRuntime({ sandbox: options.sandbox, cache: options.cache ?? cacheDirectory() }),
    work: join(home, 'work'),
    slots,
    parallel: options.parallel ?? Math.max(1, Math.floor(availableParallelism() / slots)),
    clock: systemClock,
    signal: stop.signal,
    grace,
    say: (line) => log.info(line),
  });
  log.info('stopped');
}
