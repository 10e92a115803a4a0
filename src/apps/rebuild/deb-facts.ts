/** What a published package says of the machine that it was built on. */
import { createReadStream } from 'node:fs';

import { streamAr } from '../../formats/container/ar.ts';
import type { DebEntry } from '../../formats/deb/deb-stream.ts';
import { gunzip } from '../../plumbing/compression.ts';
import { openDebFile } from '../../plumbing/deb-file.ts';
import { debhelperOf, type DebFacts } from '../../rebuild/mod.ts';

const largestChangelog = 2 ** 20;
const mostPaths = 1000;
/** Longer than any path that is looked for. */
const overlap = 400;

export async function readDebFacts(path: string, source: string): Promise<DebFacts> {
  const deb = await openDebFile(path);
  const changelog = `usr/share/doc/${deb.name}/changelog.Debian.${deb.architecture}`;
  const isRebuilt = deb.version !== deb.sourceVersion;
  const paths = new Set<string>();
  const debhelper = signedBy(deb.scripts);
  let changelogEntry: string | undefined;
  for await (const entry of deb.entries()) {
    if (entry.type !== 'file') continue;
    if (isRebuilt && (entry.path === changelog || entry.path === `${changelog}.gz`)) {
      changelogEntry = await readText(entry);
    } else {
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
