/** The server's life: from its start to the first signal, and to the end of what is under way. */
import { pino, type Logger } from 'pino';

import type { House } from '../../house.ts';
import { startServer } from '../../server/main.ts';
import { lineLog } from './log.ts';

export async function serveUntilStopped(house: House, json: boolean): Promise<void> {
  const log: Logger = json ? pino({ base: null }) : pino({ base: null }, lineLog(process.stdout));
  // Signals that come while it starts count too.
  const stopped = waitForSignal();
  const server = await startServer(house, log);
  const signal = await stopped;
  log.info(`stopping (${signal}); a second signal ends at once`);
  await server.close();
  log.info('stopped');
}

/**
 * The first SIGINT or SIGTERM; a second one ends the process. Those of one moment are one: a terminal, a parent that ends
 * and each of its threads send theirs.
 */
export function waitForSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first: number | undefined;
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.on(name, () => {
        first ??= performance.now();
        if (performance.now() - first > moment) process.exit(130);
        resolve(name);
      });
    }
  });
}

/** Milliseconds. */
const moment = 500;
