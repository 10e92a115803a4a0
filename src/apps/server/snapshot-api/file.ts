/** The bytes of a file that the API names by its hash. */
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';

import { fileResponse } from '../archive-files/file-response.ts';
import { ArchiveFolder } from '../archive-files/open-file.ts';
import type { FileFact } from './facts.ts';
import type { Sha1Deps } from './sha1.ts';

export type FileDeskDeps = Pick<Sha1Deps, 'blobs'> & { readonly directory: string };

export class FileDesk {
  readonly #deps: FileDeskDeps;
  readonly #folder: ArchiveFolder;

  constructor(deps: FileDeskDeps) {
    this.#deps = deps;
    // Each file has a name in the archive too, and is kept in memory under that one if at all.
    this.#folder = new ArchiveFolder(deps.directory, 0);
  }

  /**
   * `files`: all places of one file; undefined when there is none. Ours is given out; an upstream's, when it is here too;
   * otherwise the answer leads to the upstream, which may have dropped it.
   */
  async serve(files: readonly FileFact[], request: Request): Promise<Response | undefined> {
    for (const { from, archive, path, name, sha256 } of files) {
      if (from.kind !== 'ours') continue;
      const found = await this.#folder.find(join(this.#deps.directory, archive, path, name));
      if (found === undefined || found.kind === 'folder') continue;
      return fileResponse(found, { immutable: true, sha256 }, request);
    }
    const [file] = files;
    if (file === undefined) return undefined;
    const info = await this.#deps.blobs.info(file.sha256);
    if (info !== undefined) return this.#fromBlobs(file, info.size, request);
    const elsewhere = files.flatMap(({ from }) => (from.kind === 'upstream' && from.url !== '' ? [from.url] : []));
    return elsewhere[0] === undefined
      ? undefined
      : new Response(null, { status: 302, headers: { location: elsewhere[0], 'cache-control': 'no-cache' } });
  }

  #fromBlobs({ sha256 }: FileFact, size: number, request: Request): Response {
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(size),
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      etag: `"${sha256}"`,
    };
    if (request.method === 'HEAD') return new Response(null, { headers });
    const stream = Readable.from(this.#deps.blobs.stream(sha256), { objectMode: false });
    return new Response(Readable.toWeb(stream) as WebStream as unknown as ReadableStream, { headers });
  }
}
