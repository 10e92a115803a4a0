/** Wake-ups between processes: PostgreSQL's LISTEN and NOTIFY. A lost one costs time, never correctness. */
import { sql } from 'kysely';
import type pg from 'pg';

import type { Db } from './connect.ts';

/**
 * `job_ready`: a job may be leased (payload: architecture). `tag_build`: one can go a step further (payload: id).
 * `event`: an event was recorded (payload: id). `log`: a log grew (payload: job id). `job_cancelled`: (payload: job id).
 * `rebuild_task`: one was asked for or can go a step further (payload: id). `workers`: others may build (payload: name).
 */
export type Channel = 'job_ready' | 'tag_build' | 'event' | 'log' | 'job_cancelled' | 'rebuild_task' | 'workers';

/** Sent when the surrounding transaction commits. */
export async function notify(db: Db, channel: Channel, payload: string | number): Promise<void> {
  await sql`select pg_notify(${channel}, ${String(payload)})`.execute(db);
}

export async function notifyAll(db: Db, channel: Channel, payloads: readonly (string | number)[]): Promise<void> {
  if (payloads.length === 0) return;
  await sql`select pg_notify(${channel}, payload) from unnest(${payloads.map(String)}::text[]) as payload`.execute(db);
}

export type Listener = { readonly close: () => Promise<void> };

/**
 * Calls `onMessage` for every wake-up on the channels until closed. Reconnects by itself; after a reconnect
 * `onReconnect` is called, since wake-ups may have been missed.
 */
export async function listen(
  pool: pg.Pool,
  channels: readonly Channel[],
  onMessage: (channel: Channel, payload: string) => void,
  onReconnect: () => void = () => {},
): Promise<Listener> {
  let closed = false;
  let client: pg.PoolClient | undefined;

  async function open(): Promise<void> {
    const opened = await pool.connect();
    client = opened;
    opened.on('notification', (message) => onMessage(message.channel as Channel, message.payload ?? ''));
    opened.on('error', () => {
      // Also of a connection that was given back and is being closed, which may not be given back twice.
      if (client !== opened) return;
      client = undefined;
      opened.release(true);
      if (!closed) retry();
    });
    for (const channel of channels) await opened.query(`listen ${channel}`);
  }

  function retry(): void {
    setTimeout(() => {
      if (closed) return;
      open().then(onReconnect, retry);
    }, 500).unref();
  }

  await open();
  return {
    close: async () => {
      closed = true;
      // Destroyed rather than returned: a listening connection must not serve ordinary queries.
      client?.release(true);
      client = undefined;
    },
  };
}
