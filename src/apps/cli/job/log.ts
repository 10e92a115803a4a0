/** Printing a log: all there is, and then what comes. */
import { readLog, type LogPart } from '../../../build/mod.ts';
import { listen } from '../../../db/notify.ts';
import { SheafError } from '../../../kit/error.ts';
import type { House } from '../../house.ts';
import { Alarm } from '../alarm.ts';
import { LogCleaner } from '../clean.ts';
import { exitCodes } from '../exit.ts';
import { readJob } from './show.ts';

export type LogOptions = {
  readonly follow?: true | undefined;
  readonly attempt?: number | undefined;
  readonly tail?: number | undefined;
  readonly json: boolean;
};

/** A wake-up that got lost costs this long, in milliseconds. */
const longestNap = 2000;

export async function printLog(house: House, id: number, options: LogOptions): Promise<void> {
  const first = await readFrom(house, id, options.attempt, 0, 1);
  const begin = options.tail === undefined ? 0 : Math.max(0, first.size - options.tail);
  if (options.json) {
    await printDocument(house, id, first, begin);
    return;
  }
  const alarm = new Alarm();
  const listener =
    options.follow === true
      ? await listen(
          house.pool,
          ['log'],
          (_, payload) => payload === String(id) && alarm.ring(),
          () => alarm.ring(),
        )
      : undefined;
  const terminal = process.stdout.isTTY;
  const cleaner = new LogCleaner();
  try {
    for (let position = begin; ;) {
      const part = await readFrom(house, id, first.attempt, position);
      await write(terminal ? cleaner.push(part.bytes) : part.bytes);
      position = part.next;
      if (position < part.size) continue;
      if (part.ended || options.follow !== true) break;
      await alarm.wait(longestNap);
    }
    if (terminal) await write(cleaner.end());
  } finally {
    await listener?.close();
  }
  if (options.follow === true) await tellEnd(house, id, first.attempt);
}

async function printDocument(house: House, job: number, first: LogPart, begin: number): Promise<void> {
  const parts: Buffer[] = [];
  let part = await readFrom(house, job, first.attempt, begin);
  parts.push(part.bytes);
  while (part.next < part.size) {
    part = await readFrom(house, job, first.attempt, part.next);
    parts.push(part.bytes);
  }
  const { attempt, size, ended } = part;
  await write(`${JSON.stringify({ job, attempt, size, ended, text: Buffer.concat(parts).toString() })}\n`);
}

async function readFrom(
  house: House,
  job: number,
  attempt: number | undefined,
  position: number,
  limit?: number,
): Promise<LogPart> {
  const part = await readLog(house.db, job, {
    position,
    ...(attempt === undefined ? {} : { attempt }),
    ...(limit === undefined ? {} : { limit }),
  });
  if (part !== undefined) return part;
  const { state, sentence } = await readJob(house.db, job);
  const which = attempt === undefined ? 'it has not been started yet' : `it has no attempt ${attempt}`;
  throw new SheafError('no-log', `Cannot show the log of job ${job} (${state}): ${which}`, {
    kind: attempt === undefined ? 'refused' : 'usage',
    hint: sentence,
  });
}

/** After following: how it ended, on standard error, so that the log stays the log. */
async function tellEnd(house: House, id: number, attempt: number): Promise<void> {
  const job = await readJob(house.db, id);
  const view = job.attempts.find(({ number }) => number === attempt);
  process.stderr.write(`job ${id}, attempt ${attempt}: ${view?.sentence ?? job.sentence}\n`);
  if (view?.outcome !== 'built') process.exitCode = exitCodes.refused;
}

function write(data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(data, (error) => (error ? reject(error) : resolve()));
  });
}
