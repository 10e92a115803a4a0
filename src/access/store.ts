/**
 * One-time addresses for signing in, sessions of browsers, tokens of programs. Each is a secret of 256 bits that is shown
 * once; the table has its SHA-256, so whoever reads the table can use none.
 */

import type { Db } from '../db/connect.ts';
import { recordEvent } from '../db/events.ts';
import { sha256 } from '../kit/digest.ts';
import { newSecret } from '../kit/secret.ts';
import type { Distribution } from '../model/distribution.ts';

export type AccessKind = 'sign-in' | 'session' | 'token';

export type Access = {
  readonly id: number;
  readonly kind: AccessKind;
  readonly person: string;
  /** Who made it, or from where: a person of a session made it themselves. */
  readonly madeBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
};

/** A secret, and until when it is good. */
export type Granted = { readonly secret: string; readonly expiresAt: Date };

type Deps = { readonly db: Db; readonly distribution: Distribution };

const day = 86_400_000;
const lifetimes = { 'sign-in': 15 * 60_000, session: 30 * day } as const;
/** What a secret looks like: anything else is not looked up. */
const secretForm = /^[A-Za-z0-9_-]{43}$/;

/** Makes a one-time address's secret, or a program's token. */
export async function createAccess(
  { db, distribution }: Deps,
  {
    kind,
    person,
    by,
    lifetime,
  }: {
    readonly kind: 'sign-in' | 'token';
    readonly person: string;
    readonly by: string;
    /** Milliseconds; those of a one-time address are always the same. */
    readonly lifetime?: number;
  },
  now: Date,
): Promise<Granted> {
  return db.transaction().execute(async (transaction) => {
    await transaction.deleteFrom('access').where('expires_at', '<=', now).execute();
    const granted = await insert(transaction, kind, person, by, lifetime ?? lifetimes['sign-in'], now);
    if (kind === 'token') {
      await recordEvent(transaction, distribution, now, {
        kind: 'signed-in',
        message: `A token of ${person} was made by ${by}, good until ${granted.expiresAt.toISOString()}`,
        actor: by,
      });
    }
    return granted;
  });
}

/** Turns a one-time address into a session, once. Undefined when it is not good, or no longer. */
export async function signIn(
  { db, distribution }: Deps,
  secret: string,
  now: Date,
): Promise<(Granted & { readonly person: string }) | undefined> {
  if (!secretForm.test(secret)) return undefined;
  return db.transaction().execute(async (transaction) => {
    // Whoever deletes the row has it: of two at once, one.
    const used = await transaction
      .deleteFrom('access')
      .where('token_sha256', '=', sha256(secret))
      .where('kind', '=', 'sign-in')
      .where('expires_at', '>', now)
      .returning(['person', 'made_by'])
      .executeTakeFirst();
    if (used === undefined) return undefined;
    const granted = await insert(transaction, 'session', used.person, used.made_by, lifetimes.session, now);
    await recordEvent(transaction, distribution, now, {
      kind: 'signed-in',
      message: `${used.person} signed in on the web, with an address made by ${used.made_by}`,
      actor: used.person,
    });
    return { ...granted, person: used.person };
  });
}

/** Whose secret this is, while it is good. */
export async function findAccess(db: Db, kind: AccessKind, secret: string, now: Date): Promise<Access | undefined> {
  if (!secretForm.test(secret)) return undefined;
  const row = await select(db)
    .where('token_sha256', '=', sha256(secret))
    .where('kind', '=', kind)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row === undefined ? undefined : toAccess(row);
}

/** Sessions and tokens that are good, the newest first. */
export async function listAccess(db: Db, now: Date): Promise<Access[]> {
  const rows = await select(db)
    .where('kind', '<>', 'sign-in')
    .where('expires_at', '>', now)
    .orderBy('id', 'desc')
    .limit(1000)
    .execute();
  return rows.map(toAccess);
}

/** Ends one session. */
export async function endAccess({ db, distribution }: Deps, { id, person }: Access, now: Date): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const { numDeletedRows } = await transaction.deleteFrom('access').where('id', '=', id).executeTakeFirstOrThrow();
    if (numDeletedRows === 0n) return;
    await recordEvent(transaction, distribution, now, {
      kind: 'signed-out',
      message: `${person} signed out on the web`,
      actor: person,
    });
  });
}

/** Ends all sessions, tokens and unused addresses of a person. Returns how many. */
export async function signOut({ db, distribution }: Deps, person: string, by: string, now: Date): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    const { numDeletedRows } = await transaction
      .deleteFrom('access')
      .where('person', '=', person)
      .where('expires_at', '>', now)
      .executeTakeFirstOrThrow();
    const count = Number(numDeletedRows);
    if (count > 0) {
      await recordEvent(transaction, distribution, now, {
        kind: 'signed-out',
        message: `${count} sessions, tokens and addresses of ${person} were ended by ${by}`,
        actor: by,
      });
    }
    return count;
  });
}

async function insert(
  db: Db,
  kind: AccessKind,
  person: string,
  by: string,
  lifetime: number,
  now: Date,
): Promise<Granted> {
  const secret = newSecret();
  const expiresAt = new Date(now.getTime() + lifetime);
  await db
    .insertInto('access')
    .values({ kind, person, token_sha256: sha256(secret), made_by: by, created_at: now, expires_at: expiresAt })
    .execute();
  return { secret, expiresAt };
}

function select(db: Db) {
  return db.selectFrom('access').select(['id', 'kind', 'person', 'made_by', 'created_at', 'expires_at']);
}

type Row = Awaited<ReturnType<ReturnType<typeof select>['executeTakeFirstOrThrow']>>;

function toAccess({ made_by, created_at, expires_at, ...same }: Row): Access {
  return { ...same, madeBy: made_by, createdAt: created_at, expiresAt: expires_at };
}
