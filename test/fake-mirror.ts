/** A mirror over real HTTP that can misbehave, and an archive to put on it: real signatures, compression and patches. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { formatRelease, type NewRelease } from '../src/formats/deb/release.ts';
import { sha256 } from '../src/kit/digest.ts';
import { createSigningKey, loadSigner, type Signer } from '../src/plumbing/signer.ts';
import { pipe } from './signers.ts';

export type MirrorRequest = {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  /** What it was answered with. */
  status: number;
};

/** Answers instead of the mirror; `bytes` is the file, or undefined when there is none. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, bytes: Uint8Array | undefined) => void;

export class FakeMirror {
  /** Without a slash at its end. */
  readonly url: string;
  readonly files = new Map<string, Uint8Array>();
  readonly requests: MirrorRequest[] = [];
  /** Whether it gives validators and answers conditional requests. */
  validators = true;
  readonly #server: Server;
  readonly #faults: { readonly path: RegExp; readonly answer: Misbehaviour; times: number }[] = [];

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/archive`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response));
  }

  static async start(): Promise<FakeMirror> {
    const server = createServer({ keepAliveTimeout: 1000 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeMirror(server);
  }

  /** The next answers for paths that match are this one's; for ever when `times` is not given. */
  misbehave(path: RegExp, answer: Misbehaviour, times = Number.POSITIVE_INFINITY): void {
    this.#faults.push({ path, answer, times });
  }

  behave(): void {
    this.#faults.length = 0;
  }

  /** Paths that were asked for since the last call. */
  asked(): string[] {
    return this.requests.splice(0).map(({ path }) => path);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname).replace(/^\/archive\//, '');
    const entry: MirrorRequest = { path, headers: request.headers, status: 0 };
    this.requests.push(entry);
    response.on('close', () => (entry.status = response.statusCode));
    const bytes = this.files.get(path);
    const fault = this.#faults.find((each) => each.times > 0 && each.path.test(path));
    if (fault === undefined) {
      serve(request, response, bytes, this.validators);
      return;
    }
    fault.times--;
    fault.answer(request, response, bytes);
  }
}

function serve(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array | undefined, validators: boolean) {
  if (bytes === undefined) {
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>There is none</h1>');
    return;
  }
  const etag = `"${sha256(bytes).slice(0, 20)}"`;
  if (validators && request.headers['if-none-match'] === etag) {
    response.writeHead(304, { etag }).end();
    return;
  }
  const headers = validators ? { etag } : {};
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const ifRange = request.headers['if-range'];
  if (range === null || (ifRange !== undefined && ifRange !== etag)) {
    response.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes);
    return;
  }
  const start = Number(range[1]);
  if (start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const part = bytes.subarray(start);
  const contentRange = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
  response.writeHead(206, { ...headers, 'content-length': part.length, 'content-range': contentRange }).end(part);
}

/** Ways of a bad mirror. */
export const misbehaviours = {
  status:
    (status: number, headers: Readonly<Record<string, string>> = {}): Misbehaviour =>
    (_request, response) =>
      void response.writeHead(status, headers).end('no'),
  /** The connection breaks in the middle of what is asked for; a range is honoured. */
  breaks:
    (at = 0.5): Misbehaviour =>
    (request, response, bytes) => {
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      const part = bytes!.subarray(start);
      const headers = { 'content-length': part.length };
      const range = { 'content-range': `bytes ${start}-${bytes!.length - 1}/${bytes!.length}` };
      response.writeHead(start > 0 ? 206 : 200, start > 0 ? { ...headers, ...range } : headers);
      // After a while: the end of a connection takes along what its reader has not come to yet.
      response.write(part.subarray(0, Math.ceil(part.length * at)), () => setTimeout(() => response.destroy(), 100));
    },
  /** Half of the file, as if it were all of it; without a length. */
  half: (): Misbehaviour => (_request, response, bytes) => {
    response.write(bytes!.subarray(0, bytes!.length >> 1));
    response.end();
  },
  ignoresRange: (): Misbehaviour => (_request, response, bytes) => void response.writeHead(200).end(bytes),
  /** Another part than the one asked for. */
  wrongRange: (): Misbehaviour => (_request, response, bytes) => {
    const headers = { 'content-range': `bytes 0-9/${bytes!.length}` };
    response.writeHead(206, headers).end(bytes!.subarray(0, 10));
  },
  /** The right range in words, other bytes in it. */
  lyingRange: (): Misbehaviour => (request, response, bytes) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers = { 'content-range': `bytes ${start}-${bytes!.length - 1}/${bytes!.length}` };
    response.writeHead(start > 0 ? 206 : 200, start > 0 ? headers : {}).end(Buffer.alloc(bytes!.length - start, 'x'));
  },
  sends:
    (other: Uint8Array | string): Misbehaviour =>
    (_request, response) =>
      void response.end(other),
  /** Some bytes, and then nothing more. */
  stalls: (): Misbehaviour => (_request, response, bytes) => {
    response.writeHead(200, { 'content-length': bytes!.length });
    response.write(bytes!.subarray(0, 10));
  },
  redirects: (location: string): Misbehaviour => misbehaviours.status(302, { location }),
} as const;

export type PublishOptions = Partial<NewRelease> & {
  readonly date: Date;
  /** Of each index; default xz and gz. The uncompressed file is listed, and not served. */
  readonly compressions?: readonly ('.xz' | '.gz' | '.zst' | '.bz2' | '')[];
  readonly listPlain?: boolean;
  readonly byHash?: boolean;
  /** Default: InRelease. `detached` writes Release and Release.gpg instead; `none` an InRelease without a signature. */
  readonly signature?: 'detached' | 'none';
  readonly signer?: Signer;
  /** More files that the Release file lists, such as diff indexes. */
  readonly extraFiles?: Readonly<Record<string, Uint8Array>>;
};

/** An archive with a key, published onto a mirror as often as one likes. */
export class FakeArchive {
  readonly mirror: FakeMirror;
  readonly signer: Signer;
  readonly keyring: string;
  readonly #directory: string;

  private constructor(mirror: FakeMirror, directory: string, signer: Signer) {
    this.mirror = mirror;
    this.signer = signer;
    this.keyring = join(directory, 'keyring.gpg');
    this.#directory = directory;
  }

  static async start(): Promise<FakeArchive> {
    const directory = await mkdtemp(join(tmpdir(), 'sheaf-fake-archive-'));
    const signer = await FakeArchive.makeSigner(directory, 'archive');
    await writeFile(join(directory, 'keyring.gpg'), signer.publicKeyBinary);
    return new FakeArchive(await FakeMirror.start(), directory, signer);
  }

  private static async makeSigner(directory: string, name: string): Promise<Signer> {
    const file = join(directory, `${name}.asc`);
    await createSigningKey(file, { name }, new Date('2026-01-01T00:00:00Z'));
    return loadSigner(file);
  }

  makeSigner(name: string): Promise<Signer> {
    return FakeArchive.makeSigner(this.#directory, name);
  }

  /** Writes a suite onto the mirror; files of earlier versions stay where they are by their hash. Returns the text signed. */
  async publish(suite: string, indexes: Readonly<Record<string, string>>, options: PublishOptions): Promise<string> {
    const { compressions = ['.xz', '.gz'], byHash = true, signer = this.signer } = options;
    const files = new Map<string, Uint8Array>(Object.entries(options.extraFiles ?? {}));
    const unserved = new Set<string>();
    for (const [path, text] of Object.entries(indexes)) {
      const bytes = Buffer.from(text);
      if (!compressions.includes('') && options.listPlain !== false) unserved.add(path);
      if (compressions.includes('') || options.listPlain !== false) files.set(path, bytes);
      for (const suffix of compressions)
        if (suffix !== '') files.set(`${path}${suffix}`, await compress(bytes, suffix));
    }
    const listed = [...files].map(([path, bytes]) => ({ path, size: bytes.length, sha256: sha256(bytes) }));
    const text = formatRelease({
      ...{ suite, codename: suite, architectures: ['all', 'amd64'], components: ['main'], acquireByHash: byHash },
      ...{ ...options, files: options.files ?? listed },
    });
    const base = `dists/${suite}/`;
    for (const [path, bytes] of files) {
      if (unserved.has(path)) continue;
      this.mirror.files.set(`${base}${path}`, bytes);
      const folder = path.slice(0, path.lastIndexOf('/') + 1);
      if (byHash) this.mirror.files.set(`${base}${folder}by-hash/SHA256/${sha256(bytes)}`, bytes);
    }
    await this.#sign(base, text, options, signer);
    return text;
  }

  async #sign(base: string, text: string, options: PublishOptions, signer: Signer): Promise<void> {
    const put = (name: string, content: string | Uint8Array) =>
      this.mirror.files.set(`${base}${name}`, Buffer.from(content as string));
    for (const name of ['InRelease', 'Release', 'Release.gpg']) this.mirror.files.delete(`${base}${name}`);
    if (options.signature === 'detached') {
      put('Release', text);
      put('Release.gpg', await signer.detach(Buffer.from(text), options.date));
    } else {
      put('InRelease', options.signature === 'none' ? text : await signer.clearsign(text, options.date));
    }
  }

  /**
   * Patches from older texts of an index to its newest, as dak makes them; the diff index is for `extraFiles`, the
   * patches are on the mirror. `merged`: each leads to the newest by itself.
   */
  async patches(suite: string, path: string, texts: readonly string[], merged = false): Promise<Uint8Array> {
    const newest = texts.at(-1)!;
    const lines = { history: '', patches: '', downloads: '' };
    for (const [index, text] of texts.slice(0, -1).entries()) {
      const name = `2026-01-0${index + 1}-0000.00`;
      const patch = await this.#diff(text, merged ? newest : texts[index + 1]!);
      const packed = gzipSync(patch);
      this.mirror.files.set(`dists/${suite}/${path}.diff/${name}.gz`, packed);
      lines.history += ` ${sha256(text)} ${text.length} ${name}\n`;
      lines.patches += ` ${sha256(patch)} ${patch.length} ${name}\n`;
      lines.downloads += ` ${sha256(packed)} ${packed.length} ${name}.gz\n`;
    }
    return Buffer.from(
      `SHA256-Current: ${sha256(newest)} ${newest.length}\nSHA256-History:\n${lines.history}SHA256-Patches:\n${lines.patches}` +
        `SHA256-Download:\n${lines.downloads}${merged ? 'X-Patch-Precedence: merged\n' : ''}`,
    );
  }

  async #diff(from: string, to: string): Promise<Buffer> {
    const old = join(this.#directory, 'old');
    await writeFile(old, from);
    // diff ends with 1 when the files differ.
    return pipe(['sh', '-c', 'diff --ed "$1" - || test $? = 1', 'sh', old], to);
  }

  async close(): Promise<void> {
    await this.mirror.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function compress(bytes: Uint8Array, suffix: '.xz' | '.gz' | '.zst' | '.bz2'): Promise<Uint8Array> {
  if (suffix === '.gz') return gzipSync(bytes, { level: 9 });
  const programs = { '.xz': ['xz', '-6e', '-c'], '.zst': ['zstd', '-q', '-c'], '.bz2': ['bzip2', '-9', '-c'] } as const;
  return pipe(programs[suffix] as readonly [string, ...string[]], bytes);
}
