/** A small S3 on loopback, that checks what a real one checks and can misbehave on request. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { signRequest } from '../src/plumbing/s3/sign.ts';

export type S3Object = { readonly bytes: Buffer; readonly etag: string; readonly checksum: string };

/** What to do with one request instead of answering it rightly. `cut`: the connection ends; `after`: done, then cut. */
export type Misbehaviour = 'cut' | 'after' | 'wrong-bytes' | 'slow-down' | 'internal' | 'full' | undefined;

export type S3Double = {
  readonly url: string;
  readonly objects: Map<string, S3Object>;
  /** `METHOD key` of every request, in order. */
  readonly requests: string[];
  readonly misbehave: (rule: (method: string, key: string, count: number) => Misbehaviour) => void;
  /** Called whenever an object is there. */
  readonly onPut: (listener: (key: string) => void) => void;
  readonly close: () => Promise<void>;
};

export const doubleCredentials = { accessKey: 'DOUBLE', secretKey: 'a secret of the double' };
const region = 'us-east-1';

/** `checksums: false`: a server that knows nothing of x-amz-checksum headers; `page`: most keys in one list. */
export async function s3Double(
  options: { readonly checksums?: boolean; readonly page?: number } = {},
): Promise<S3Double> {
  const objects = new Map<string, S3Object>();
  const uploads = new Map<string, Map<number, S3Object>>();
  const requests: string[] = [];
  let rule: Parameters<S3Double['misbehave']>[0] = () => undefined;
  let onPut: (key: string) => void = () => {};
  const { checksums = true, page = 1000 } = options;

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) fail(response, 500, `Double${String(error).replaceAll(/\W/g, '')}`);
      else response.destroy();
    });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, `http://${request.headers.host}`);
    const key = decodeURIComponent(url.pathname.replace(/^\/bucket\/?/, ''));
    const method = request.method!;
    requests.push(`${method} ${key}`);
    const fault = rule(method, key, requests.length);
    if (fault === 'cut') {
      // In the middle of the body, if there is one.
      request.once('data', () => request.socket.destroy());
      setImmediate(() => request.socket.destroy());
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const bad = refuse(request, url, body);
    if (bad !== undefined) return fail(response, 403, bad);
    if (fault === 'slow-down') return fail(response, 503, 'SlowDown');
    if (fault === 'internal') return fail(response, 500, 'InternalError');
    if (fault === 'full') return fail(response, 507, 'XMinioStorageFull');
    if (fault === 'after') response.end = () => response.destroy();
    const query = url.searchParams;
    if (method === 'GET' && key === '') return list(response, query);
    if (method === 'PUT' || (method === 'POST' && query.has('uploadId'))) {
      return store(request, response, key, query, fault === 'wrong-bytes' ? Buffer.alloc(body.length, 'x') : body);
    }
    if (method === 'POST') {
      const id = `upload-${requests.length}`;
      uploads.set(id, new Map());
      return xml(response, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    }
    if (method === 'DELETE') {
      if (query.has('uploadId')) uploads.delete(query.get('uploadId')!);
      else objects.delete(key);
      response.writeHead(204).end();
      return;
    }
    const object = objects.get(key);
    if (object === undefined) return fail(response, 404, 'NoSuchKey');
    response.writeHead(200, { ...describe(object), 'content-length': object.bytes.length });
    response.end(method === 'HEAD' ? undefined : object.bytes);
  }

  function store(
    request: IncomingMessage,
    response: ServerResponse,
    key: string,
    query: URLSearchParams,
    body: Buffer,
  ): void {
    const parts = uploads.get(query.get('uploadId') ?? '');
    if (query.has('uploadId') && parts === undefined) return fail(response, 404, 'NoSuchUpload');
    if (parts === undefined || query.has('partNumber')) {
      const object = { bytes: body, etag: digest('md5', body, 'hex'), checksum: digest('sha256', body, 'base64') };
      const said = request.headers['x-amz-checksum-sha256'];
      // Wrong bytes are those of a disk, so they are not refused here: they are stored.
      if (said === undefined) return fail(response, 400, 'MissingChecksum');
      if (parts === undefined) objects.set(key, object);
      else parts.set(Number(query.get('partNumber')), object);
      response.writeHead(200, describe(object)).end();
      if (parts === undefined) onPut(key);
      return;
    }
    const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map((match) => Number(match[1]));
    const pieces = numbers.map((number) => parts.get(number));
    if (pieces.includes(undefined)) return fail(response, 400, 'InvalidPart');
    // An upload that began with an algorithm ends with its sums; a server without them has a schema without them.
    const sumsSaid = [...body.toString().matchAll(/<ChecksumSHA256>/g)].length;
    if (checksums && sumsSaid !== numbers.length) return fail(response, 400, 'InvalidRequest');
    if (!checksums && sumsSaid > 0) return fail(response, 400, 'MalformedXML');
    const whole = pieces as S3Object[];
    const etags = Buffer.concat(whole.map(({ etag }) => Buffer.from(etag, 'hex')));
    const sums = Buffer.concat(whole.map(({ checksum }) => Buffer.from(checksum, 'base64')));
    const object = {
      bytes: Buffer.concat(whole.map(({ bytes }) => bytes)),
      etag: `${digest('md5', etags, 'hex')}-${whole.length}`,
      checksum: `${digest('sha256', sums, 'base64')}-${whole.length}`,
    };
    objects.set(key, object);
    uploads.delete(query.get('uploadId')!);
    xml(
      response,
      `<CompleteMultipartUploadResult><ETag>&quot;${object.etag}&quot;</ETag></CompleteMultipartUploadResult>`,
    );
    onPut(key);
  }

  function list(response: ServerResponse, query: URLSearchParams): void {
    const start = query.get('continuation-token') ?? '';
    const keys = [...objects.keys()]
      .filter((key) => key.startsWith(query.get('prefix') ?? '') && key > start)
      .toSorted();
    const shown = keys.slice(0, page);
    const contents = shown.map((key) => {
      const { bytes, etag } = objects.get(key)!;
      return `<Contents><Key>${encodeURIComponent(key)}</Key><Size>${bytes.length}</Size><ETag>&quot;${etag}&quot;</ETag></Contents>`;
    });
    const more = keys.length > page;
    const token = more ? `<NextContinuationToken>${shown.at(-1)}</NextContinuationToken>` : '';
    xml(
      response,
      `<ListBucketResult><IsTruncated>${more}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`,
    );
  }

  const describe = (object: S3Object) => ({
    etag: `"${object.etag}"`,
    ...(checksums ? { 'x-amz-checksum-sha256': object.checksum } : {}),
  });

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket`,
    objects,
    requests,
    misbehave: (next) => (rule = next),
    onPut: (listener) => (onPut = listener),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The reason against a request: its signature, made again from what arrived, or the hash of its body. */
function refuse(request: IncomingMessage, url: URL, body: Buffer): string | undefined {
  const said = request.headers.authorization ?? '';
  const names = /SignedHeaders=([^,]+)/.exec(said)?.[1]?.split(';') ?? [];
  const time = String(request.headers['x-amz-date']);
  const date = new Date(time.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  const bodyHash = String(request.headers['x-amz-content-sha256']);
  if (bodyHash !== digest('sha256', body, 'hex')) return 'XAmzContentSHA256Mismatch';
  const own = new Set(['host', 'x-amz-date', 'x-amz-content-sha256']);
  const headers = Object.fromEntries(
    names.filter((name) => !own.has(name)).map((name) => [name, String(request.headers[name])]),
  );
  const { authorization = '' } = signRequest(
    { method: request.method!, url, headers, bodyHash },
    doubleCredentials,
    region,
    date,
  );
  const same = said.length === authorization.length && timingSafeEqual(Buffer.from(said), Buffer.from(authorization));
  return same ? undefined : 'SignatureDoesNotMatch';
}

function digest(algorithm: string, bytes: Buffer, encoding: 'hex' | 'base64'): string {
  return createHash(algorithm).update(bytes).digest(encoding);
}

function xml(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`);
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`);
}
