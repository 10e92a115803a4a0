/** A mirror in a bucket of S3 or of something that speaks like it. */
import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';

import { SheafError } from '../../kit/error.ts';
import type { HashedFile, Held, MirrorLink } from '../../model/mirror.ts';
import { S3Client, type S3Settings } from '../s3/client.ts';
import { partSize, readDigests, type Digests } from '../s3/digests.ts';
import { badSource } from './folder.ts';

/** `parts`: another size of parts than 64 MiB, for tests. */
export function s3Target(settings: S3Settings & { readonly parts?: number }) {
  const client = new S3Client(settings);
  const size = settings.parts ?? partSize;
  return {
    kind: 'store' as const,
    links: false,
    list: () => list(client),
    put: (file: HashedFile) => put(client, file, size),
    check: (file: HashedFile) => check(client, file, size),
    link: ({ path }: MirrorLink): Promise<void> =>
      Promise.reject(new SheafError('mirror-failed', `Cannot push ${path}: a bucket holds no links`)),
    read: async (path: string) => {
      const answer = await client.call({ method: 'GET', key: path });
      return answer.status === 404 ? undefined : answer.text;
    },
    remove: async (path: string) => {
      await client.call({ method: 'DELETE', key: path });
    },
  };
}

/** ListObjectsV2, page after page; a server may well answer with fewer than it was asked for. */
async function* list(client: S3Client): AsyncGenerator<Held> {
  let token: string | undefined;
  do {
    const { status, text } = await client.call({
      method: 'GET',
      key: '',
      query: {
        'list-type': '2',
        'encoding-type': 'url',
        prefix: client.prefix,
        ...(token === undefined ? {} : { 'continuation-token': token }),
      },
    });
    if (status === 404)
      throw new SheafError('mirror-failed', 'Cannot list the bucket: it does not exist', { kind: 'environment' });
    for (const [, content = ''] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const key = decodeURIComponent(element(content, 'Key').replaceAll('+', ' '));
      if (!key.startsWith(client.prefix)) continue;
      const tag = element(content, 'ETag').replaceAll('"', '');
      yield { kind: 'file', path: key.slice(client.prefix.length), size: Number(element(content, 'Size')), tag };
    }
    const next = element(text, 'NextContinuationToken');
    token = /<IsTruncated>true</.test(text) && next !== '' && next !== token ? next : undefined;
  } while (token !== undefined);
}

function element(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';
  const entities: Readonly<Record<string, string>> = {
    quot: '"',
    lt: '<',
    gt: '>',
    apos: "'",
    '#34': '"',
    '#39': "'",
    amp: '&',
  };
  return text.replaceAll(/&(quot|lt|gt|apos|#34|#39|amp);/g, (_, entity: string) => entities[entity]!);
}

async function put(client: S3Client, file: HashedFile, size: number): Promise<string> {
  const digests = await readDigests(file.source, size);
  if (digests.sha256 !== file.sha256) throw badSource(file);
  const blob = await openAsBlob(file.source);
  const answer =
    digests.parts.length === 1
      ? await putWhole(client, file, digests, blob)
      : await putParts(client, file, digests, blob, size);
  const tag = tagIn(answer.headers) || element(answer.text, 'ETag').replaceAll('"', '');
  if (answer.isRight !== true && !(await holds(client, file, digests))) throw wrongBytes(file);
  return tag;
}

type Put = { readonly headers: Headers; readonly text: string; readonly isRight: boolean | undefined };

async function putWhole(client: S3Client, file: HashedFile, digests: Digests, blob: Blob): Promise<Put> {
  const headers = { 'content-type': contentType(file.path), 'cache-control': cacheControl(file.path) };
  const answer = await client.call({
    method: 'PUT',
    key: file.path,
    headers: { ...headers, 'x-amz-checksum-sha256': digests.checksum },
    body: { blob, sha256: digests.sha256 },
  });
  checkFound(answer.status, file);
  return { ...answer, isRight: saysRight(answer.headers, digests) };
}

async function putParts(client: S3Client, file: HashedFile, digests: Digests, blob: Blob, size: number): Promise<Put> {
  const key = file.path;
  const created = await client.call({
    ...{ method: 'POST', key, query: { uploads: '' } },
    headers: {
      'content-type': contentType(key),
      'cache-control': cacheControl(key),
      'x-amz-checksum-algorithm': 'SHA256',
    },
  });
  checkFound(created.status, file);
  const uploadId = element(created.text, 'UploadId');
  try {
    const listed: string[] = [];
    for (const [index, part] of digests.parts.entries()) {
      const checksum = part.sha256.toString('base64');
      const answer = await client.call({
        ...{ method: 'PUT', key, query: { partNumber: String(index + 1), uploadId } },
        headers: { 'x-amz-checksum-sha256': checksum },
        body: { blob: blob.slice(index * size, index * size + part.size), sha256: part.sha256.toString('hex') },
      });
      checkFound(answer.status, file);
      // Storages that know no checksums refuse a list with them.
      const said = answer.headers.get('x-amz-checksum-sha256') === checksum;
      listed.push(
        `<Part><PartNumber>${index + 1}</PartNumber><ETag>"${tagIn(answer.headers)}"</ETag>` +
          `${said ? `<ChecksumSHA256>${checksum}</ChecksumSHA256>` : ''}</Part>`,
      );
    }
    const text = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join('')}</CompleteMultipartUpload>`;
    const answer = await client.call({
      ...{ method: 'POST', key, query: { uploadId } },
      headers: { 'content-type': 'application/xml' },
      body: { blob: new Blob([text]), sha256: createHash('sha256').update(text).digest('hex') },
    });
    // The answer begins with 200 before the server knows how it ends.
    if (answer.status !== 200 || answer.text.includes('<Error>')) {
      throw new SheafError(
        'mirror-failed',
        `Cannot push ${key}: ${element(answer.text, 'Code') || 'its parts were not joined'}`,
        {
          kind: 'environment',
        },
      );
    }
    return { ...answer, isRight: undefined };
  } catch (error) {
    await client.call({ method: 'DELETE', key, query: { uploadId } }).catch(() => {});
    throw error;
  }
}

async function check(client: S3Client, file: HashedFile, size: number): Promise<string | undefined> {
  const digests = await readDigests(file.source, size);
  if (digests.sha256 !== file.sha256) throw badSource(file);
  const answer = await client.call(headOf(file));
  if (answer.status === 404 || !(await holds(client, file, digests))) return undefined;
  return tagIn(answer.headers);
}

/** By its own checksum, else by its entity tag, else by reading it. */
async function holds(client: S3Client, file: HashedFile, digests: Digests): Promise<boolean> {
  const { status, headers } = await client.call(headOf(file));
  if (status === 404 || Number(headers.get('content-length')) !== file.size) return false;
  const said = saysRight(headers, digests);
  if (said !== undefined) return said;
  let hash = createHash('sha256');
  const found = await client.download(file.path, () => {
    hash = createHash('sha256');
    return (chunk) => hash.update(chunk);
  });
  return found && hash.digest('hex') === digests.sha256;
}

function headOf(file: HashedFile) {
  return { method: 'HEAD', key: file.path, headers: { 'x-amz-checksum-mode': 'ENABLED' } } as const;
}

/** Undefined when the answer proves nothing: an entity tag of an encrypted or copied object is no MD5 sum. */
function saysRight(headers: Headers, digests: Digests): boolean | undefined {
  const checksum = headers.get('x-amz-checksum-sha256');
  if (checksum !== null && checksum.includes('-') === digests.checksum.includes('-'))
    return checksum === digests.checksum;
  return tagIn(headers) === digests.etag ? true : undefined;
}

function tagIn(headers: Headers): string {
  return (headers.get('etag') ?? '').replaceAll('"', '');
}

function checkFound(status: number, { path }: HashedFile): void {
  if (status === 200) return;
  throw new SheafError('mirror-failed', `Cannot push ${path}: the bucket does not take it (HTTP ${status})`, {
    kind: 'environment',
  });
}

function wrongBytes({ path }: HashedFile): SheafError {
  return new SheafError('mirror-wrong-bytes', `Cannot push ${path}: the bucket holds other bytes than it was sent`, {
    kind: 'environment',
    hint: 'The next push sends it again. If this comes back, the storage is not to be trusted.',
  });
}

/** What is named by its hash or its version never changes; everything else must be asked for each time. */
function cacheControl(path: string): string {
  const fixed = path.startsWith('pool/') || path.startsWith('snapshot/') || path.includes('by-hash/');
  return fixed ? 'public, max-age=31536000, immutable' : 'no-cache';
}

function contentType(path: string): string {
  if (path.endsWith('.deb')) return 'application/vnd.debian.binary-package';
  if (path.endsWith('.gz')) return 'application/gzip';
  if (path.endsWith('.xz')) return 'application/x-xz';
  return /\/(?:InRelease|Release|Release\.gpg)$|\.(?:dsc|asc)$/.test(path)
    ? 'text/plain; charset=utf-8'
    : 'application/octet-stream';
}
