/** Who looks at a page, when it is a person that has signed in. */
import { timingSafeEqual } from 'node:crypto';

import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';

import { findAccess, mayManage, type Access, type AccessKind, type Granted } from '../../../access/mod.ts';
import { sha256 } from '../../../kit/digest.ts';
import type { Distribution } from '../../../model/distribution.ts';
import type { Db } from '../../../tracker/store.ts';
import type { Actions } from '../../actions.ts';

export type Visitor = {
  readonly person: string;
  readonly access: Access;
  /** What forms carry to show that a page of this session made them. */
  readonly formToken: string;
  /** Whether sheaf.toml, as it is now, lets this person manage the suite. */
  readonly may: (suite: string) => boolean;
};

export type VisitorDeps = {
  readonly db: Db;
  readonly distribution: Pick<Distribution, 'url'>;
  readonly now: () => Date;
  readonly actions: Pick<Actions, 'people'>;
  readonly report: (error: unknown) => void;
};

/** The person behind a page, or undefined for everybody else. */
export async function visitorOfPage(c: Context, deps: VisitorDeps): Promise<Visitor | undefined> {
  const secret = getCookie(c, cookieName(deps));
  return secret === undefined ? undefined : findVisitor(deps, 'session', secret);
}

/** Undefined when the secret is not good, or when sheaf.toml no longer has the person. */
export async function findVisitor(deps: VisitorDeps, kind: AccessKind, secret: string): Promise<Visitor | undefined> {
  const access = await findAccess(deps.db, kind, secret, deps.now());
  if (access === undefined) return undefined;
  const people = await currentPeople(deps);
  if (!people.has(access.person)) return undefined;
  return {
    person: access.person,
    access,
    formToken: sha256(`sheaf form ${secret}`),
    may: (suite) => mayManage({ people: people as Distribution['people'] }, access.person, suite),
  };
}

/** While sheaf.toml cannot be read, nobody may anything. */
async function currentPeople(deps: VisitorDeps): Promise<ReadonlyMap<string, unknown>> {
  try {
    return await deps.actions.people();
  } catch (error) {
    deps.report(error);
    return new Map();
  }
}

/** Whether a form was made for this session. How long it takes tells nothing. */
export function isOwnForm(visitor: Visitor, token: unknown): boolean {
  if (typeof token !== 'string' || token.length !== visitor.formToken.length) return false;
  const [given, expected] = [Buffer.from(token), Buffer.from(visitor.formToken)];
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** `Strict`: a link from another site shows the pages as to everybody. */
export function keepSession(c: Context, deps: VisitorDeps, { secret, expiresAt }: Granted): void {
  const maxAge = Math.floor((expiresAt.getTime() - deps.now().getTime()) / 1000);
  setCookie(c, cookieName(deps), secret, { ...cookieOptions(deps), maxAge });
}

export function dropSession(c: Context, deps: VisitorDeps): void {
  deleteCookie(c, cookieName(deps), cookieOptions(deps));
}

function isSafe({ distribution }: VisitorDeps): boolean {
  return distribution.url.startsWith('https:');
}

/** Browsers take a cookie of the first name only from this very host, over a safe connection. */
function cookieName(deps: VisitorDeps): string {
  return isSafe(deps) ? '__Host-sheaf-session' : 'sheaf-session';
}

function cookieOptions(deps: VisitorDeps) {
  return { path: '/', httpOnly: true, sameSite: 'Strict', secure: isSafe(deps) } as const;
}
