/** SHA-1 of our files, counted once and kept: the name by which snapshot.debian.org's API calls a file. */
import { createHash } from 'node:crypto';

import { sql } from 'kysely';

import type { Db } from '../../../db/connect.ts';
import type { Sha256 } from '../../../kit/digest.ts';

export type Sha1Deps = {
  readonly db: Db;
  readonly blobs: {
    readonly info: (digest: Sha256) => Promise<{ readonly size: number } | undefined>;
    readonly stream: (digest: Sha256) => AsyncIterable<Uint8Array>;
  };
};

/** How long a question for an unknown SHA-1 waits for files that were not counted yet, in milliseconds. */
const patience = 5000;

export class Sha1s {
  readonly #deps: Sha1Deps;
  /** The files of the pool that are being counted. */
  #counting: Promise<void> | undefined;
  /** One file after the other, whoever asks. */
  #last: Promise<unknown> = Promise.resolve();
  /** Listed in a pool, but not among the blobs. */
  readonly #missing = new Set<Sha256>();

  constructor(deps: Sha1Deps) {
    this.#deps = deps;
  }

  /** Those of files that are here. */
  async of(digests: readonly Sha256[]): Promise<ReadonlyMap<Sha256, string>> {
    const known = await this.#known(digests);
    for (const digest of new Set(digests)) {
      if (known.has(digest)) continue;
      const sha1 = await this.#count(digest);
      if (sha1 !== undefined) known.set(digest, sha1);
    }
    return known;
  }

  /** `later`: not all files are counted yet. */
  async find(sha1: string): Promise<readonly Sha256[] | 'later'> {
    const found = await this.#find(sha1);
    if (found.length > 0) return found;
    this.#counting ??= this.#countPools().finally(() => {
      this.#counting = undefined;
    });
    // Whoever waits in vain has been answered already when it fails.
    this.#counting.catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'later'>((resolve) => {
      timer = setTimeout(() => resolve('later'), patience);
    });
    const outcome = await Promise.race([this.#counting, late]).finally(() => clearTimeout(timer));
    return outcome === 'later' ? 'later' : this.#find(sha1);
  }

  async #find(sha1: string): Promise<Sha256[]> {
    const rows = await this.#deps.db.selectFrom('blob_sha1').select('sha256').where('sha1', '=', sha1).execute();
    return rows.map(({ sha256 }) => sha256 as Sha256);
  }

  async #known(digests: readonly Sha256[]): Promise<Map<Sha256, string>> {
    if (digests.length === 0) return new Map();
    const rows = await this.#deps.db.selectFrom('blob_sha1').selectAll().where('sha256', 'in', digests).execute();
    return new Map(rows.map(({ sha256, sha1 }) => [sha256 as Sha256, sha1]));
  }

  async #countPools(): Promise<void> {
    const { rows } = await sql<{ sha256: Sha256 }>`
      select distinct f.sha256 from pool_file f
      where not exists (select from blob_sha1 b where b.sha256 = f.sha256)`.execute(this.#deps.db);
    for (const { sha256 } of rows) if (!this.#missing.has(sha256)) await this.#count(sha256);
  }

  #count(digest: Sha256): Promise<string | undefined> {
    const counted = this.#last.then(() => this.#countNow(digest));
    this.#last = counted.catch(() => {});
    return counted;
  }

  async #countNow(digest: Sha256): Promise<string | undefined> {
    const { db, blobs } = this.#deps;
    // Somebody may have counted it while this one was waiting.
    const known = (await this.#known([digest])).get(digest);
    if (known !== undefined) return known;
    if ((await blobs.info(digest)) === undefined) {
      this.#missing.add(digest);
      return undefined;
    }
    const hash = createHash('sha1');
    for await (const chunk of blobs.stream(digest)) hash.update(chunk);
    const sha1 = hash.digest('hex');
    await db
      .insertInto('blob_sha1')
      .values({ sha256: digest, sha1 })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return sha1;
  }
}
