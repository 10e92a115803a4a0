/** What a published package says of the machine that it was built on. */
import { createReadStream } from 'node:fs';
import { constants, gunzipSync } from 'node:zlib';

import { streamAr } from '../../formats/container/ar.ts';
import type { DebEntry } from '../../formats/deb/deb-stream.ts';
import { gunzip } from '../../plumbing/compression.ts';
import { openDebFile } from '../../plumbing/deb-file.ts';
import { debhelperOf, type DebFacts } from '../../rebuild/mod.ts';

const largestChangelog = 2 ** 20;
/** Compressed, of a changelog of which only the first entry is looked at. */
const largestStart = 2 ** 14;
const mostPaths = 1000;
/** Longer than any path that is looked for. */
const overlap = 400;

export async function readDebFacts(path: string, source: string): Promise<DebFacts> {
  const deb = await openDebFile(path);
  const isRebuilt = deb.version !== deb.sourceVersion;
  const paths = new Set<string>();
  const debhelper = signedBy(deb.scripts);
  let changelogEntry: string | undefined;
  for await (const entry of deb.entries()) {
    if (entry.type !== 'file') continue;
    const kind = isRebuilt ? changelogKind(entry.path, deb) : undefined;
    if (kind === 'own') changelogEntry = await readText(entry);
    else if (kind === 'whole') changelogEntry ??= binaryEntry(await readStart(entry), deb.sourceVersion);
    else {
      await findBuildPaths(entry, source, paths);
    }
  }
  return {
    date: await dateOf(path),
    ...(changelogEntry === undefined ? {} : { changelogEntry }),
    buildPaths: [...paths],
    ...(debhelper === undefined ? {} : { debhelper }),
  };
}

type Named = { readonly name: string; readonly architecture: string };

/**
 * dh_installchangelogs(1) puts the entry of a binary-only upload into a file of its own, `changelog.Debian.amd64`, and
 * that of a native package into `changelog.amd64`; whoever does without it leaves the entry in the changelog.
 */
function changelogKind(path: string, { name, architecture }: Named): 'own' | 'whole' | undefined {
  const directory = `usr/share/doc/${name}/`;
  if (!path.startsWith(directory)) return undefined;
  const file = path.slice(directory.length).replace(/\.gz$/, '');
  if (file === `changelog.Debian.${architecture}` || file === `changelog.${architecture}`) return 'own';
  return file === 'changelog.Debian' || file === 'changelog' ? 'whole' : undefined;
}

/** The first entry, if it is that of a binary-only upload of this source. */
function binaryEntry(text: string, sourceVersion: string): string | undefined {
  const version = /^\S+ \((\S+)\)/.exec(text)?.[1];
  if (version?.startsWith(`${sourceVersion}+b`) !== true) return undefined;
  return /^[^]*?^ -- .*$/m.exec(text)?.[0];
}

/** By the lines that its programs have signed. */
function signedBy(scripts: readonly Uint8Array[]): string | undefined {
  const lines = scripts.flatMap((each) => Buffer.from(each).toString('latin1').split('\n'));
  return lines.flatMap((line) => (line.includes('added by dh_') ? (debhelperOf(line) ?? []) : []))[0];
}

/** The time of the first member. */
async function dateOf(path: string): Promise<number> {
  for await (const { mtime } of streamAr(createReadStream(path, { end: 511 }), path)) return mtime;
  return 0;
}

async function readText(entry: DebEntry): Promise<string> {
  const bytes = await readEntryBytes(entry, largestChangelog);
  return new TextDecoder().decode(entry.path.endsWith('.gz') ? gunzip(bytes, largestChangelog) : bytes);
}

/** As much as an entry may take; of what is damaged, what comes before. */
async function readStart(entry: DebEntry): Promise<string> {
  const bytes = await readEntryBytes(entry, largestChangelog);
  const unpack = () => gunzipSync(bytes.subarray(0, largestStart), { finishFlush: constants.Z_SYNC_FLUSH });
  try {
    return new TextDecoder().decode(entry.path.endsWith('.gz') ? unpack() : bytes);
  } catch {
    return '';
  }
}

/** Nothing behind the limit. */
export async function readEntryBytes(entry: DebEntry, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of entry.content) {
    size += chunk.length;
    if (size > limit) break;
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

/** `/build/NAME-RANDOM/NAME-VERSION` and its successors, wherever they stand. */
async function findBuildPaths({ content }: DebEntry, source: string, paths: Set<string>): Promise<void> {
  const name = source.replaceAll(/[.+]/g, String.raw`\$&`);
  const pattern = new RegExp(
    String.raw`/build/(?:${name}-[A-Za-z0-9_]{6}|reproducible-path)/${name}-[A-Za-z0-9.+~:]+(?=[/\0"'\s])`,
    'g',
  );
  let rest = Buffer.alloc(0);
  for await (const chunk of content) {
    const bytes = Buffer.concat([rest, chunk]);
    rest = Buffer.from(bytes.subarray(Math.max(0, bytes.length - overlap)));
    if (!bytes.includes('/build/')) continue;
    for (const [found] of bytes.toString('latin1').matchAll(pattern)) {
      if (paths.size < mostPaths) paths.add(found);
    }
  }
}
