/** The NEW queue: what waits, what it holds, and decisions about it. */
import { createRoute } from '@hono/zod-openapi';
import type { Context } from 'hono';

import { findNewUpload, listComments, listNewUploads, type NewUpload } from '../../../upload/mod.ts';
import type { Visitor } from '../../web/mod.ts';
import * as schemas from '../api-schemas.ts';
import * as shapes from './management-schemas.ts';
import { refusals, type AskWho } from './bearer.ts';
import { apiError, get, invalid, json, missing, notFound, plain, post, type Api, type ApiDeps } from './shared.ts';

const body = <T>(schema: T) => ({ content: { 'application/json': { schema } }, required: true });

export function addNew(api: Api, deps: ApiDeps, who: AskWho): void {
  const { db, actions } = deps;
  api.openapi(
    createRoute(
      get('/new', 'Uploads that wait for a person, the oldest first', {
        request: { query: shapes.newFilters },
        responses: { 200: json(schemas.pageOf(shapes.newUploadSchema), 'The uploads, 1,000 at most.'), 400: invalid },
      }),
    ),
    async (c) => {
      const { all, suite } = c.req.valid('query');
      return c.json({ items: plain(await listNewUploads(db, { all: all === 'true', suite })) }, 200);
    },
  );
  api.openapi(
    createRoute(
      get('/new/{id}', 'One upload: its packages, its .changes, what people said', {
        request: { params: schemas.idParam },
        responses: { 200: json(shapes.newDetailSchema, 'The upload.'), 400: invalid, 404: missing },
      }),
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      const upload = await findNewUpload(db, id);
      if (upload === undefined) return notFound(c, `upload ${id}`);
      const [comments, described] = await Promise.all([listComments(db, id), actions.describe(upload)]);
      return c.json(plain({ ...upload, ...described, comments }), 200);
    },
  );

  /** The upload and the person who decides, or what is wrong. */
  const begin = async (c: Context, id: number): Promise<{ upload: NewUpload; visitor: Visitor } | Response> => {
    const upload = await findNewUpload(db, id);
    if (upload === undefined) return notFound(c, `upload ${id}`);
    const visitor = await who(c, upload.suite);
    return 'status' in visitor ? c.json(visitor.body, visitor.status) : { upload, visitor };
  };
  const responses = { ...refusals, 400: invalid, 404: missing };
  api.openapi(
    createRoute(
      post('/new/{id}/accept', 'Let an upload in, and publish the suite', {
        request: { params: schemas.idParam, body: body(shapes.reasonBody) },
        responses: { 200: json(shapes.newUploadSchema, 'The upload, accepted.'), ...responses },
      }),
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      const asked = await begin(c, id);
      if (asked instanceof Response) return asked as never;
      const result = await actions.accept(id, { by: asked.visitor.person, reason: c.req.valid('json').reason });
      if (result.kind === 'refused') return c.json(apiError('refused', result.reasons.join('\n')), 409) as never;
      return c.json(plain((await findNewUpload(db, id))!), 200);
    },
  );
  api.openapi(
    createRoute(
      post('/new/{id}/reject', 'Refuse an upload for good', {
        request: { params: schemas.idParam, body: body(shapes.neededReasonBody) },
        responses: { 200: json(shapes.newUploadSchema, 'The upload, rejected.'), ...responses },
      }),
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      const asked = await begin(c, id);
      if (asked instanceof Response) return asked as never;
      const { reason } = c.req.valid('json');
      return c.json(plain(await actions.reject(id, { by: asked.visitor.person, reason })), 200);
    },
  );
  api.openapi(
    createRoute(
      post('/new/{id}/comment', 'Say something about an upload: the uploader is told', {
        request: { params: schemas.idParam, body: body(shapes.commentBody) },
        responses: { 200: json(shapes.commentSchema, 'The comment.'), ...responses },
      }),
    ),
    async (c) => {
      const { id } = c.req.valid('param');
      const asked = await begin(c, id);
      if (asked instanceof Response) return asked as never;
      return c.json(plain(await actions.comment(id, asked.visitor.person, c.req.valid('json').text)), 200);
    },
  );
}
