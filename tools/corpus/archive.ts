/**
 * Debian's own indexes, verified and kept: InRelease by gpgv against Debian's keyring, every index by the SHA-256 that
 * it says. A file that is in the cache and still has its hash is not fetched again.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { parseRelease, type ReleaseFile } from '../../src/formats/deb/release.ts';
import { formatSize } from '../../src/kit/bytes.ts';
import { sha256 } from '../../src/kit/digest.ts';
import { SheafError } from '../../src/kit/error.ts';
import { run } from '../../src/plumbing/process.ts';

export type CorpusOptions = {
  readonly directory: string;
  readonly mirror: string;
  readonly keyring: string;
  /** Ask the mirror for a newer InRelease also where there is one. */
  readonly update: boolean;
  readonly say: (line: string) => void;
};

export type CorpusIndex = {
  readonly suite: string;
  /** Relative to the Release file: `main/binary-amd64/Packages`. */
  readonly path: string;
  /** The uncompressed file on disk. */
  readonly file: string;
  readonly bytes: Buffer;
};

export type CorpusSuite = { readonly suite: string; readonly files: readonly ReleaseFile[] };

/** By preference: the smallest first. */
const decoders = [
  ['.xz', 'xz'],
  ['.bz2', 'bzip2'],
  ['.gz', 'gzip'],
] as const;

const largestRelease = 8 * 2 ** 20;

/** What the suite's Release lists. Throws `bad-signature` or `no-answer`. */
export async function openSuite(options: CorpusOptions, suite: string): Promise<CorpusSuite> {
  const file = join(options.directory, suite, 'InRelease');
  const known = options.update ? undefined : await readFile(file).catch(() => undefined);
  const bytes = known ?? (await download(`${options.mirror}/dists/${suite}/InRelease`, largestRelease));
  await keep(file, bytes);
  const { code, stdout, stderr } = await run(['gpgv', '--keyring', options.keyring, '--output', '-', file]);
  if (code !== 0) {
    throw new SheafError('bad-signature', `Cannot believe ${file}: ${stderr.trim()}`, {
      hint: `Remove it, or see whether ${options.keyring} is up to date`,
    });
  }
  const release = parseRelease(stdout.toString(), file);
  options.say(`${suite}: Release of ${release.date.toISOString().slice(0, 16)}Z, signature good`);
  return { suite, files: release.files };
}

/** The uncompressed index, from the cache or else from the mirror; undefined when the Release does not list it. */
export async function openIndex(
  options: CorpusOptions,
  { suite, files }: CorpusSuite,
  path: string,
): Promise<CorpusIndex | undefined> {
  const plain = files.find((each) => each.path === path);
  if (plain === undefined) return undefined;
  const file = join(options.directory, suite, path);
  const known = await readFile(file).catch(() => undefined);
  if (known !== undefined && sha256(known) === plain.sha256) return { suite, path, file, bytes: known };
  const packed = decoders.map(([suffix]) => files.find((each) => each.path === path + suffix)).find(Boolean);
  if (packed === undefined) {
    throw new SheafError('index-missing', `Cannot fetch ${suite} ${path}: no compressed form is listed`);
  }
  options.say(`${suite}: ${packed.path}, ${formatSize(packed.size)}`);
  const byHash = `${dirname(packed.path)}/by-hash/SHA256/${packed.sha256}`;
  const compressed = await download(`${options.mirror}/dists/${suite}/${byHash}`, packed.size);
  check(compressed, packed, suite);
  const program = decoders.find(([suffix]) => packed.path.endsWith(suffix))![1];
  const { stdout } = await unpack(program, compressed, plain.size);
  check(stdout, plain, suite);
  await keep(file, stdout);
  return { suite, path, file, bytes: stdout };
}

async function unpack(program: string, input: Uint8Array, limit: number) {
  const result = await run([program, '-dc'], { input, limit: limit + 1 });
  if (result.code !== 0)
    throw new SheafError('bad-compression', `Cannot unpack with ${program}: ${result.stderr.trim()}`);
  return result;
}

function check(bytes: Uint8Array, listed: ReleaseFile, suite: string): void {
  if (sha256(bytes) === listed.sha256) return;
  throw new SheafError(
    'index-mismatch',
    `Cannot use ${suite} ${listed.path}: it is not the file that the Release lists`,
    {
      hint: 'The mirror may be in the middle of an update: try again with --update',
    },
  );
}

async function download(url: string, limit: number): Promise<Buffer> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(10 * 60_000), headers: { 'user-agent': 'sheaf' } });
  } catch (cause) {
    throw new SheafError('no-answer', `Cannot fetch ${url}: there is no answer`, { kind: 'environment', cause });
  }
  if (!response.ok || response.body === null) {
    throw new SheafError('no-answer', `Cannot fetch ${url}: the answer is ${response.status}`, {
      hint: 'With --update the newest Release is used, whose files the mirror has',
    });
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > limit) throw new SheafError('over-limit', `Cannot fetch ${url}: it has more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function keep(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, bytes);
  await rename(`${file}.new`, file);
}
