/** Server-sent events: pages that changed, and logs that grow. */
import type { Context } from 'hono';
import { streamSSE, type SSEStreamingApi } from 'hono/streaming';

import { logState, readLogRange } from '../../tracker/mod.ts';
import type { Db } from '../../tracker/store.ts';
import type { Live } from './live.ts';
import { renderLines } from './log/lines.ts';
import { readTail, tailBytes } from './log/tail.ts';

/** A comment is sent this often, so that proxies keep the connection and a gone visitor is noticed; milliseconds. */
const keepAlive = 20_000;
/** Bytes of log in one message, at most. */
const messageBytes = 64 * 1024;
/** A log is read again at most this often, in milliseconds. */
const logInterval = 100;

export function tooMany(c: Context): Response {
  c.header('Retry-After', '30');
  return c.text(
    'Too many pages are open at once. The page works without this stream; load it again to see changes.\n',
    503,
  );
}

/** Sends a page's main part whenever it changes. */
export function pageStream(c: Context, live: Live, key: string, render: () => Promise<string | undefined>): Response {
  const ending = { isWanted: false, wake: nobodyWaits };
  const leave = live.enter(() => {
    ending.isWanted = true;
    ending.wake();
  });
  if (leave === undefined) return tooMany(c);
  const response = streamSSE(
    c,
    async (stream) => {
      let newest: string | undefined;
      const unsubscribe = live.subscribe(key, render, (html) => {
        newest = html;
        ending.wake();
      });
      stream.onAbort(() => ending.wake());
      try {
        while (!stream.aborted && !stream.closed && !ending.isWanted) {
          if (newest === undefined) await waitFor((resolve) => (ending.wake = resolve), keepAlive);
          if (stream.aborted || ending.isWanted) break;
          const html = newest;
          newest = undefined;
          // A slow visitor gets the newest page only: what came while it was read is one page later.
          if (html === undefined) await stream.write(': still here\n\n');
          else await stream.writeSSE({ data: html });
        }
      } finally {
        unsubscribe();
        leave();
      }
    },
    reporting(live),
  );
  return unbuffered(response);
}

export type LogQuery = { readonly job: number; readonly attempt: number; readonly from: number | undefined };

/**
 * Sends a log as it grows. Events: `lines` (HTML of whole lines to append), `partial` (HTML of the unfinished line),
 * `reset` (HTML that replaces what is shown, when the visitor is too far behind), `end`. Each id is the position of
 * the next line, so a browser that comes back goes on where it was.
 */
export function logStream(c: Context, db: Db, live: Live, query: LogQuery): Response {
  const ending = { isWanted: false, wake: nobodyWaits };
  const leave = live.enter(() => {
    ending.isWanted = true;
    ending.wake();
  });
  if (leave === undefined) return tooMany(c);
  const response = streamSSE(
    c,
    async (stream) => {
      let isWoken = false;
      const unwatch = live.watchLog(query.job, () => {
        isWoken = true;
        ending.wake();
      });
      stream.onAbort(() => ending.wake());
      try {
        const cursor = { position: query.from, partial: '' };
        while (!stream.aborted && !stream.closed && !ending.isWanted) {
          isWoken = false;
          const step = await sendLog(stream, db, query, cursor);
          if (step === 'end') return;
          if (step === 'more') continue;
          if (!isWoken && !stream.aborted && !ending.isWanted)
            await waitFor((resolve) => (ending.wake = resolve), keepAlive);
          if (!isWoken && !stream.aborted && !ending.isWanted) await stream.write(': still here\n\n');
          await waitFor(nobodyWaits, logInterval);
        }
      } finally {
        unwatch();
        leave();
      }
    },
    reporting(live),
  );
  return unbuffered(response);
}

type Cursor = { position: number | undefined; partial: string };

async function sendLog(
  stream: SSEStreamingApi,
  db: Db,
  query: LogQuery,
  cursor: Cursor,
): Promise<'more' | 'wait' | 'end'> {
  const state = await logState(db, query.job, query.attempt);
  if (state === undefined) return 'wait';
  const isBehind =
    cursor.position === undefined || cursor.position > state.size || state.size - cursor.position > 4 * tailBytes;
  if (isBehind) {
    const tail = await readTail(db, query.job, query.attempt);
    if (tail === undefined) return 'wait';
    cursor.position = tail.position;
    cursor.partial = tail.partial;
    await stream.writeSSE({ event: 'reset', id: String(tail.position), data: tail.html });
    await stream.writeSSE({ event: 'partial', data: tail.partial });
    return 'more';
  }
  const from = cursor.position!;
  const to = Math.min(state.size, from + messageBytes);
  const bytes = await readLogRange(db, query.job, query.attempt, from, to);
  const reachesEnd = from + bytes.length >= state.size;
  const { html, partial, consumed } = renderLines(bytes, state.finished && reachesEnd);
  cursor.position = from + consumed;
  if (html !== '') await stream.writeSSE({ event: 'lines', id: String(cursor.position), data: html });
  if (reachesEnd && partial !== cursor.partial) {
    cursor.partial = partial;
    await stream.writeSSE({ event: 'partial', data: partial });
  }
  if (state.finished && reachesEnd) {
    await stream.writeSSE({ event: 'end', data: String(state.size) });
    return 'end';
  }
  return reachesEnd ? 'wait' : 'more';
}

/** The visitor's browser connects again by itself. */
function reporting(live: Live): (error: Error) => Promise<void> {
  return async (error) => live.report(error);
}

const nobodyWaits = (): void => {};

/** Waits until resolved from outside, or for so many milliseconds. */
function waitFor(start: (resolve: () => void) => void, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    start(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Asks proxies in front to pass events on as they come. */
function unbuffered(response: Response): Response {
  response.headers.set('X-Accel-Buffering', 'no');
  response.headers.set('Cache-Control', 'no-cache, no-store');
  return response;
}
