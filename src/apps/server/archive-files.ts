/**
 * The published trees as plain files over HTTP: `/REPOSITORY/…` as it is now, `/snapshot/SUITE@ID/…` and
 * `/snapshot/SUITE@NUMBER/…` one suite as it was, `/archive/REPOSITORY/ID/…` a whole repository as it was. Whatever is
 * not theirs goes on to the next listener.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { relative } from 'node:path';

import { SheafError } from '../../kit/error.ts';
import type { Distribution } from '../../model/distribution.ts';
import type { Label } from '../../model/names.ts';
import { fileAnswer, type Answer } from './archive-files/answer.ts';
import { listing, readNames } from './archive-files/listing.ts';
import { locate, type LocateDeps, type Place } from './archive-files/locate.ts';
import { Moments } from './archive-files/moments.ts';
import { ArchiveFolder, type Found, type FoundFile } from './archive-files/open-file.ts';
import { closeQuietly, send } from './archive-files/send.ts';

export type ArchiveFilesDeps = {
  readonly distribution: Pick<Distribution, 'repositories' | 'suites'>;
  /** The folder that holds one archive tree for each repository. */
  readonly directory: string;
  readonly now?: () => Date;
  /** Brings back a file of a repository's pool (`pool/…`) that is kept elsewhere; false when there is none. */
  readonly recall?: ((repository: Label, path: string) => Promise<boolean>) | undefined;
  readonly onError?: (error: unknown) => void;
};

/**
 * A listener for Node's server itself: an answer is written to the connection as it is, and goes through nothing else.
 * The folder `/REPOSITORY/` itself is left to `next`, so that a front page can answer it; all else below a repository is
 * answered here.
 */
export function archiveFiles(deps: ArchiveFilesDeps, next: RequestListener): RequestListener {
  const desk = new ArchiveDesk(deps);
  return (request, response) => {
    const { method } = request;
    const fail = (error: unknown) => {
      deps.onError?.(error);
      if (response.headersSent) response.destroy();
      // Where files are kept may answer again in a moment.
      else if (error instanceof SheafError && error.kind === 'environment')
        sendText(response, 503, 'Not available now\n', method);
      else sendText(response, 500, 'Internal Server Error\n', method);
    };
    try {
      if (isRead(method) && desk.answerKept(request, response)) return;
    } catch (error) {
      fail(error);
      return;
    }
    desk.answer(request, response).then((answered) => {
      if (!answered) next(request, response);
    }, fail);
  };
}

/** Addresses that are remembered; each is a few hundred bytes. */
const mostAddresses = 20_000;
const longestAddress = 400;

type File = Extract<Place, { kind: 'path' }>;

class ArchiveDesk {
  readonly #places: LocateDeps;
  readonly #recall: ArchiveFilesDeps['recall'];
  readonly #folder: ArchiveFolder;
  /** Of files that were there, where their addresses lead for ever; what is there now, the folder is asked each time. */
  readonly #addresses = new Map<string, File>();

  constructor(deps: ArchiveFilesDeps) {
    this.#places = { now: () => new Date(), ...deps, moments: new Moments() };
    this.#recall = deps.recall;
    this.#folder = new ArchiveFolder(deps.directory);
  }

  /** What was asked for lately is answered without waiting for anything. False when it takes more. */
  answerKept(request: IncomingMessage, response: ServerResponse): boolean {
    const place = this.#addresses.get(request.url!);
    const found = place && this.#folder.findKept(place.path);
    if (found === undefined) return false;
    sendFile(found, place!, request, response);
    return true;
  }

  /** False when it is not the archive's. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const method = request.method!;
    const url = pathOf(request.url!);
    const place = await locate(this.#places, url);
    if (place === undefined) return false;
    if (!isRead(method)) {
      sendText(response, 405, 'Method not allowed: these files are only read\n', method, ['allow', 'GET, HEAD']);
      return true;
    }
    const answer = await this.#otherThanFile(place, url, request, response);
    if (answer === 'sent') return true;
    if (answer === undefined) sendText(response, 404, 'Not found\n', method);
    else send(answer, undefined, response);
    return true;
  }

  /** Undefined when there is nothing; a file is sent here. */
  async #otherThanFile(
    place: Place,
    url: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Answer | 'sent' | undefined> {
    if (place.kind === 'nowhere') return undefined;
    if (place.kind === 'names') return listing(place.names, url, request.method!);
    if (place.kind === 'redirect') {
      // A later publication may come nearer to the moment.
      return {
        status: 302,
        headers: ['location', place.to, 'cache-control', 'no-cache', 'content-length', '0'],
        pieces: [],
      };
    }
    const found = (await this.#folder.find(place.path)) ?? (await this.#findElsewhere(place.path));
    if (found === undefined) return undefined;
    if (found.kind === 'folder') return listing(await readNames(found.path), url, request.method!);
    if (url.endsWith('/')) {
      // A file is no folder.
      if (found.kind === 'file') closeQuietly(found.file);
      return undefined;
    }
    if (place.steady) this.#remember(request.url!, place);
    sendFile(found, place, request, response);
    return 'sent';
  }

  async #findElsewhere(path: string): Promise<Found | undefined> {
    if (this.#recall === undefined) return undefined;
    const asked = relative(this.#places.directory, path);
    const [, repository, pooled] = /^([^/]+)\/(?:snapshot\/[^/]+\/[^/]+\/)?(pool\/.+)$/.exec(asked) ?? [];
    if (pooled === undefined || !(await this.#recall(repository as Label, pooled))) return undefined;
    return this.#folder.find(path);
  }

  #remember(address: string, place: File): void {
    if (address.length > longestAddress) return;
    if (this.#addresses.size >= mostAddresses) this.#addresses.clear();
    this.#addresses.set(address, place);
  }
}

function sendFile(found: FoundFile, { immutable }: File, request: IncomingMessage, response: ServerResponse): void {
  const file = found.kind === 'file' ? found.file : undefined;
  // Gone already: nobody reads this answer.
  if (response.destroyed) {
    if (file !== undefined) closeQuietly(file);
    return;
  }
  send(fileAnswer(found, { immutable }, request.method!, request.headers), file, response);
}

const isRead = (method: string | undefined) => method === 'GET' || method === 'HEAD';

function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  method: string | undefined,
  more: readonly string[] = [],
): void {
  const bytes = Buffer.from(text);
  const headers = [...more, 'content-type', 'text/plain; charset=utf-8', 'content-length', String(bytes.length)];
  send({ status, headers, pieces: method === 'HEAD' ? [] : [bytes] }, undefined, response);
}

/** As it was sent, in either form of RFC 9112 section 3.2: what leads upwards is refused and not tidied up. */
function pathOf(target: string): string {
  const start = target.startsWith('/') ? 0 : target.indexOf('/', target.indexOf('://') + 3);
  if (start === -1) return '/';
  const query = target.slice(start).search(/[?#]/);
  return query === -1 ? target.slice(start) : target.slice(start, start + query);
}
