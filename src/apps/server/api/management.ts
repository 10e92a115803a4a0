/** What is done to suites: the same as the pages do, asked for with a token. */
import { createRoute } from '@hono/zod-openapi';
import type { Context } from 'hono';

import type { OperationResult } from '../../../archive/mod.ts';
import { listSuites } from '../../../tracker/mod.ts';
import type { Visitor } from '../../web/mod.ts';
import * as schemas from '../api-schemas.ts';
import { refusals, type AskWho } from './bearer.ts';
import * as shapes from './management-schemas.ts';
import { apiError, invalid, json, missing, notFound, plain, post, type Api, type ApiDeps } from './shared.ts';

const body = <T>(schema: T) => ({ content: { 'application/json': { schema } }, required: true });
const responses = { ...refusals, 400: invalid, 404: missing };
const suiteAnswer = { 200: json(schemas.suiteSchema, 'The suite, as it is after it.'), ...responses };
const operationAnswer = { 200: json(shapes.operationSchema, 'What came in, and what went.'), ...responses };

export function addManagement(api: Api, deps: ApiDeps, who: AskWho): void {
  const { db, distribution, actions } = deps;
  const find = (name: string) => [...distribution.suites.values()].filter((suite) => suite.name === name);
  /** The person, when there is the suite and they manage it. */
  const begin = async (c: Context, name: string): Promise<Visitor | Response> => {
    if (find(name).length === 0) return notFound(c, `suite ${name}`);
    const visitor = await who(c, name);
    return 'status' in visitor ? c.json(visitor.body, visitor.status) : visitor;
  };
  const suiteNow = async (name: string) => plain((await listSuites(db, find(name), deps.now()))[0]!);
  const operation = (c: Context, result: OperationResult) => {
    if (result.kind === 'refused') return c.json(apiError('refused', result.reasons.join('\n')), 409) as never;
    const { entering, leaving, leftOut, number } = result;
    return c.json(plain({ entering, leaving, leftOut, number }), 200) as never;
  };
  api.openapi(
    createRoute(
      post('/suites/{name}/publish', 'Make the next snapshot, also when nothing has changed', {
        request: { params: schemas.nameParam },
        responses: suiteAnswer,
      }),
    ),
    async (c) => {
      const { name } = c.req.valid('param');
      const visitor = await begin(c, name);
      if (visitor instanceof Response) return visitor as never;
      await actions.publish(name, visitor.person);
      return c.json(await suiteNow(name), 200);
    },
  );
  for (const [verb, summary] of [
    ['freeze', 'Take no new packages from now on'],
    ['thaw', 'Take new packages again'],
  ] as const) {
    api.openapi(
      createRoute(
        post(`/suites/{name}/${verb}`, summary, {
          request: { params: schemas.nameParam, body: body(shapes.reasonBody) },
          responses: suiteAnswer,
        }),
      ),
      async (c) => {
        const { name } = c.req.valid('param');
        const visitor = await begin(c, name);
        if (visitor instanceof Response) return visitor as never;
        const result = await actions[verb](name, { by: visitor.person, reason: c.req.valid('json').reason });
        if (result.kind === 'refused') return c.json(apiError('refused', result.reasons.join('\n')), 409);
        return c.json(await suiteNow(name), 200);
      },
    );
  }
  api.openapi(
    createRoute(
      post('/suites/{name}/copy', 'Copy source packages with their binaries into the suite, and publish it', {
        request: { params: schemas.nameParam, body: body(shapes.copyBody) },
        responses: operationAnswer,
      }),
    ),
    async (c) => {
      const { name } = c.req.valid('param');
      const visitor = await begin(c, name);
      if (visitor instanceof Response) return visitor as never;
      const { from, packages, reason, dryRun = false } = c.req.valid('json');
      const by = { by: visitor.person, reason };
      return operation(c, await actions.copy({ from, to: name, packages, ...by, dryRun }));
    },
  );
  api.openapi(
    createRoute(
      post('/suites/{name}/rollback', 'Publish an older snapshot’s packages as the newest snapshot', {
        request: { params: schemas.nameParam, body: body(shapes.rollbackBody) },
        responses: operationAnswer,
      }),
    ),
    async (c) => {
      const { name } = c.req.valid('param');
      const visitor = await begin(c, name);
      if (visitor instanceof Response) return visitor as never;
      const { snapshot, reason, dryRun = false } = c.req.valid('json');
      return operation(c, await actions.rollBack({ suite: name, snapshot, by: visitor.person, reason, dryRun }));
    },
  );
}
