/** What every part of the JSON API is made of. */
import type { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';

import type { HistoryDeps, IndexAt } from '../../../history/mod.ts';
import type { Sha256 } from '../../../kit/digest.ts';
import type { Distribution } from '../../../model/distribution.ts';
import type { CountLocked } from '../../../tracker/mod.ts';
import type { Db } from '../../../tracker/store.ts';
import type { WebDeps } from '../../web/mod.ts';
import * as schemas from '../api-schemas.ts';

export type ApiDeps = {
  readonly db: Db;
  readonly distribution: Distribution;
  readonly blobs: {
    readonly info: (digest: Sha256) => Promise<{ readonly size: number } | undefined>;
    readonly stream: (digest: Sha256) => AsyncIterable<Uint8Array>;
  };
  readonly now: () => Date;
  readonly countLocked: CountLocked;
  readonly history: HistoryDeps;
  readonly compare: WebDeps['compare'];
  readonly actions: WebDeps['actions'];
  readonly report: (error: unknown) => void;
};

export type Api = OpenAPIHono;

/** A value as JSON carries it: moments as text, nothing undefined. */
type Plain<T> = T extends string | number | boolean
  ? T
  : T extends Date
    ? string
    : T extends readonly (infer Item)[]
      ? Plain<Item>[]
      : T extends object
        ? { [Name in keyof T as undefined extends T[Name] ? never : Name]: Plain<T[Name]> } & {
            [Name in keyof T as undefined extends T[Name] ? Name : never]?: Plain<Exclude<T[Name], undefined>>;
          }
        : T;

export function plain<T>(value: T): Plain<T> {
  return JSON.parse(JSON.stringify(value)) as Plain<T>;
}

type ErrorBody = z.infer<typeof schemas.errorSchema>;

export function apiError(code: string, message: string, hint?: string): ErrorBody {
  return { error: { code, message, ...(hint === undefined ? {} : { hint }) } };
}

export const notFound = (c: Context, what: string) => c.json(apiError('not-found', `There is no ${what}`), 404);

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  content: { 'application/json': { schema } },
  description,
});
export const missing = json(schemas.errorSchema, 'There is no such thing.');
export const invalid = json(schemas.errorSchema, 'The question cannot be understood.');
export const text = {
  content: { 'text/plain': { schema: schemas.textSchema } },
  description: 'The text, as it was written.',
};

/** What changes something asks for the bearer's token. */
export const post = <const Path extends string, const Route extends object>(
  path: Path,
  summary: string,
  route: Route,
) => ({ method: 'post' as const, path: `/api/v1${path}` as const, summary, security: bearer, ...route });

const bearer: { token: string[] }[] = [{ token: [] }];

type Asked = { readonly request?: { readonly query?: z.ZodObject }; readonly responses: object };

/** A parameter that is not known was meant to choose: an answer as if it was not there would be a wrong one. */
export const get = <const Path extends string, const Route extends object>(
  path: Path,
  summary: string,
  route: Route & Asked,
) => ({
  ...{ method: 'get' as const, path: `/api/v1${path}` as const, summary, middleware: refuseOthers(route), ...route },
  responses: { 400: invalid, ...route.responses },
});

function refuseOthers({ request }: Pick<Asked, 'request'>): MiddlewareHandler {
  const known = Object.keys(request?.query?.shape ?? {});
  return async (c, next) => {
    const other = Object.keys(c.req.query()).find((name) => !known.includes(name));
    if (other === undefined) return next();
    const hint = known.length === 0 ? 'It takes none.' : `There are ${known.join(', ')}.`;
    return c.json(apiError('bad-request', `Cannot read ${other}: there is no such parameter`, hint), 400);
  };
}

/** Never more than text to a browser, whatever others wrote into it. */
export function textBody(c: Context, body: ReadableStream | string) {
  c.header('Content-Type', 'text/plain; charset=utf-8');
  c.header('X-Content-Type-Options', 'nosniff');
  return c.body(body, 200) as never;
}

/** Without its number in the database, which means nothing to others. */
export function toIndex({ path, kind, component, architecture, sha256, size, since, until }: IndexAt) {
  return { path, kind, component, architecture, sha256, size, since, until };
}
