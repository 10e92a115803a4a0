/** Who asks the API to change something: the bearer of a token that `sheaf web token` printed. */
import type { Context } from 'hono';

import { countGuesses, findVisitor, type Visitor } from '../../web/mod.ts';
import * as schemas from '../api-schemas.ts';
import { apiError, json, type ApiDeps } from './shared.ts';

export const refusals = {
  401: json(schemas.errorSchema, 'The token is missing or not good.'),
  403: json(schemas.errorSchema, 'The person may not do this.'),
  409: json(schemas.errorSchema, 'Refused, with all reasons: nothing was changed.'),
  413: json(schemas.errorSchema, 'The request is too large.'),
  415: json(schemas.errorSchema, 'It is no JSON document, by its Content-Type.'),
  429: json(schemas.errorSchema, 'Too many tokens that are not good came from there.'),
};

export type Trouble = { readonly status: 401 | 403 | 429; readonly body: ReturnType<typeof apiError> };

/** The person, when they manage the suite. */
export type AskWho = (c: Context, suite: string) => Promise<Visitor | Trouble>;

export function bearerOf(deps: ApiDeps): AskWho {
  const guesses = countGuesses(deps.now);
  return async (c, suite) => {
    if (guesses.isTooMany(c)) {
      return { status: 429, body: apiError('too-many-tries', 'Cannot look at the token: too many were not good') };
    }
    const secret = /^Bearer +(\S{1,200})$/i.exec(c.req.header('Authorization') ?? '')?.[1];
    const visitor = secret === undefined ? undefined : await findVisitor(deps, 'token', secret);
    if (visitor === undefined) {
      if (secret !== undefined) guesses.countWrong(c);
      const hint = 'Send Authorization: Bearer with what sheaf web token printed.';
      return {
        status: 401,
        body: apiError('unauthorized', 'Cannot do this: no token that is good came with it', hint),
      };
    }
    if (visitor.may(suite)) return visitor;
    const hint = `In sheaf.toml, manages of ${visitor.person} has to name ${suite}.`;
    return {
      status: 403,
      body: apiError('forbidden', `Cannot do this: ${visitor.person} does not manage ${suite}`, hint),
    };
  };
}
