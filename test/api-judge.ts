/** Holds answers of the JSON API against the OpenAPI document that it gives of itself. */
import assert from 'node:assert/strict';

import type { OpenAPIHono } from '@hono/zod-openapi';
import { z } from 'zod';

type Schema = { $ref?: string };
type Response = { content?: Record<string, { schema: Schema }> };
type Operation = { responses: Record<string, Response>; parameters?: { name: string; in: string }[] };
export type ApiDocument = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

/**
 * Asks, and holds the answer against the schema that the document has for it. With a body it is POST; `token` is the
 * bearer's.
 */
export type Ask = (
  path: string,
  template: string,
  status?: number,
  post?: { readonly body?: unknown; readonly token?: string },
) => Promise<any>;

export async function judgeOf(api: OpenAPIHono): Promise<{ readonly document: ApiDocument; readonly ask: Ask }> {
  const document = (await (await api.request('/api/openapi.json')).json()) as ApiDocument;
  const ask: Ask = async (path, template, status = 200, post) => {
    const response = await api.request(`/api/v1${path}`, post === undefined ? {} : postOf(post));
    const body = await response.text();
    assert.equal(response.status, status, `${path}: ${body.slice(0, 300)}`);
    const operation = document.paths[`/api/v1${template}`]?.[post === undefined ? 'get' : 'post'];
    assert.ok(operation !== undefined, `${template} is in the document`);
    const schema = operation.responses[String(status)]?.content?.['application/json']?.schema;
    assert.ok(schema !== undefined, `${template} has a schema for ${status}`);
    const answer: unknown = JSON.parse(body);
    schemaOf(document, schema).parse(answer);
    return answer;
  };
  return { document, ask };
}

function postOf({ body, token }: NonNullable<Parameters<Ask>[3]>): RequestInit {
  const headers = {
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
  };
  return { method: 'POST', headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
}

/** The judge of one schema: nothing may be there that it does not name. */
export function schemaOf(document: ApiDocument, schema: Schema): z.ZodType {
  return z.fromJSONSchema(strict(resolve(document, schema)) as never);
}

/** The schema with its references put in place: what z.fromJSONSchema reads. */
function resolve(document: ApiDocument, schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map((each) => resolve(document, each));
  if (typeof schema !== 'object' || schema === null) return schema;
  const reference = (schema as Schema).$ref;
  if (reference !== undefined) {
    const name = reference.replace('#/components/schemas/', '');
    assert.ok(name in document.components.schemas, reference);
    return resolve(document, document.components.schemas[name]);
  }
  return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, resolve(document, value)]));
}

/** An answer with a property that the document does not name is a fault of the document. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const parts = schema as Record<string, unknown>;
  if (Array.isArray(parts['allOf'])) {
    const all = parts['allOf'].map((part) => part as Record<string, object>);
    return strict({
      type: 'object',
      properties: Object.assign({}, ...all.map((part) => flat(part)['properties'])) as object,
      required: all.flatMap((part) => (flat(part)['required'] as unknown as string[]) ?? []),
    });
  }
  const inner = Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, strict(value)]));
  return inner['type'] === 'object' && inner['properties'] !== undefined
    ? { ...inner, additionalProperties: false }
    : inner;
}

function flat(schema: Record<string, object>): Record<string, object> {
  const all = schema['allOf'] as Record<string, object>[] | undefined;
  if (all === undefined) return schema;
  return {
    properties: Object.assign({}, ...all.map((part) => flat(part)['properties'])) as object,
    required: all.flatMap((part) => (flat(part)['required'] as unknown as string[]) ?? []),
  };
}
