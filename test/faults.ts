/**
 * Faults for the archive's writes: every change of the disk and every statement of the database is a step, and one
 * step fails, or fails although it was done, or is the last thing the process does.
 */
import { Kysely, PostgresDialect } from 'kysely';
import type pg from 'pg';

import type { TreeFiles } from '../src/archive/mod.ts';
import type { Db } from '../src/db/connect.ts';

/**
 * `before`: the step fails. `after`: it fails although it was done. `full`: it fails, and all later writes too. `gone`: it
 * fails, and all later steps too; disk and database are then as `kill` leaves them, which ends the process.
 */
export type FaultMode = 'before' | 'after' | 'full' | 'gone' | 'kill';

export class Faults {
  /** Steps so far. */
  count = 0;
  readonly #step: number;
  readonly #mode: FaultMode;

  /** `step` 0 never fails. */
  constructor(step: number, mode: FaultMode) {
    this.#step = step;
    this.#mode = mode;
  }

  async step<T>(name: string, work: () => Promise<T>, isWrite = true): Promise<T> {
    const number = ++this.count;
    if (this.#mode === 'full' && isWrite && this.#step !== 0 && number >= this.#step) {
      throw Object.assign(new Error(`ENOSPC: no space left on device, step ${number}, ${name}`), { code: 'ENOSPC' });
    }
    const isGone = this.#mode === 'gone' && this.#step !== 0 && number > this.#step;
    if (number !== this.#step && !isGone) return work();
    if (this.#mode === 'kill') process.kill(process.pid, 'SIGKILL');
    if (this.#mode === 'before' || this.#mode === 'gone') throw new Error(`failed before step ${number}, ${name}`);
    const result = await work();
    if (this.#mode === 'after') throw new Error(`failed after step ${number}, ${name}`);
    return result;
  }
}

export function faultyFiles(files: TreeFiles, faults: Faults): TreeFiles {
  return {
    ...files,
    makeDirectory: (path) => faults.step(`makeDirectory ${path}`, () => files.makeDirectory(path)),
    place: (path, bytes, modified) => faults.step(`place ${path}`, () => files.place(path, bytes, modified)),
    link: (source, path) => faults.step(`link ${path}`, () => files.link(source, path)),
    symlink: (target, path) => faults.step(`symlink ${path}`, () => files.symlink(target, path)),
    rename: (from, to) => faults.step(`rename ${to}`, () => files.rename(from, to)),
    // Removing works on a full disk.
    remove: (path) => faults.step(`remove ${path}`, () => files.remove(path), false),
    sync: (path) => faults.step(`sync ${path}`, () => files.sync(path), false),
  };
}

/** A fault in the database is a broken connection: whatever it held is gone, and nothing more is said on it. */
export function faultyDb(pool: pg.Pool, faults: Faults): Db {
  const connect = async () => {
    const client = await pool.connect();
    let broken: Error | undefined;
    return new Proxy(client, {
      get(target, property) {
        if (property === 'query') {
          return async (...parameters: Parameters<typeof client.query>) => {
            if (broken !== undefined) throw broken;
            try {
              const text = String((parameters as readonly unknown[])[0]);
              return await faults.step(text, async () => client.query(...parameters), false);
            } catch (error) {
              if (error instanceof Error && error.message.startsWith('failed')) {
                broken = error;
                await breakConnection(client);
              }
              throw error;
            }
          };
        }
        if (property === 'release') return () => client.release(broken);
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return new Kysely({
    dialect: new PostgresDialect({ pool: { connect, end: async () => {} } as unknown as pg.Pool }),
  }) as Db;
}

/** Returns when the server has noticed too, so that its locks are gone. */
async function breakConnection(client: pg.PoolClient): Promise<void> {
  const { processID } = client as unknown as { readonly processID: number };
  client.on('error', () => {});
  await client.query('select pg_terminate_backend($1, 5000)', [processID]).catch(() => {});
}
