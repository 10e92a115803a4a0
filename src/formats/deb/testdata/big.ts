/**
 * One enormous input, read in a process of its own so that its memory can be bounded and measured:
 * `node --max-old-space-size=64 big.ts CASE`. Prints one JSON line.
 */
import { spawn } from 'node:child_process';

import { decompressStream } from '../../../plumbing/decompress.ts';
import { readContents } from '../contents.ts';
import { openDeb } from '../deb-stream.ts';
import { applyEdScript } from '../ed-script.ts';
import { scanStanzas } from '../index-scan.ts';
import { readPackagesIndex } from '../packages-index.ts';
import { readSourcesIndex } from '../sources-index.ts';
import { readTranslations } from '../translation.ts';
import { paxOf, someControl, tarEntry, tarOf } from './archive.ts';

const million = 1_000_000;
const hash = 'a'.repeat(64);
const repeat = (text: string) => new Uint8Array(Buffer.alloc(million * Buffer.byteLength(text), text));
const zeroBytes = 2 ** 29;

function count(values: Iterable<unknown>): number {
  let number = 0;
  for (const _ of values) number++;
  return number;
}

async function* zeros(size: number): AsyncGenerator<Uint8Array> {
  const block = new Uint8Array(2 ** 20);
  for (let left = size; left > 0; left -= block.length) yield block;
}

async function* compressed(argv: readonly [string, ...string[]], source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  const fed = (async () => {
    for await (const chunk of source) {
      if (!child.stdin.write(chunk)) await new Promise((resolve) => child.stdin.once('drain', resolve));
    }
    child.stdin.end();
  })();
  yield* child.stdout as AsyncIterable<Uint8Array>;
  await fed;
}

/** A package whose one file is half a gibibyte, or whatever `data` is. */
async function* deb(ending: string, data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const header = (name: string, size: number) =>
    Buffer.from(`${name.padEnd(16)}${'0'.padEnd(12)}0     0     100644  ${String(size).padEnd(10)}\`\n`);
  const control = tarOf(tarEntry('./control', someControl));
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of data) {
    parts.push(part);
    size += part.length;
  }
  yield Buffer.concat([Buffer.from('!<arch>\n'), header('debian-binary', 4), Buffer.from('2.0\n')]);
  yield Buffer.concat([header('control.tar', control.length), control, header(`data.tar${ending}`, size)]);
  yield* parts;
}

async function* hugeTar(): AsyncGenerator<Uint8Array> {
  yield tarEntry('zeros', '', { size: `${zeroBytes.toString(8).padStart(11, '0')}\0` });
  yield* zeros(zeroBytes);
  yield Buffer.alloc(1024);
}

async function* manyEntries(): AsyncGenerator<Uint8Array> {
  const entry = (number: number) => [paxOf('mtime=1.5'), tarEntry(`./usr/share/f${number}`)];
  for (let i = 0; i < 100; i++) yield Buffer.concat(Array.from({ length: 1000 }, (_, j) => entry(i * 1000 + j)).flat());
  yield Buffer.alloc(1024);
}

async function readDeb(source: AsyncIterable<Uint8Array>): Promise<string> {
  const opened = await openDeb(source, decompressStream, { bytes: 2 * zeroBytes, entries: million }, 'x.deb');
  let entries = 0;
  let bytes = 0;
  for await (const { content } of opened.entries()) {
    entries++;
    for await (const part of content) bytes += part.length;
  }
  return `${entries} entries, ${bytes} bytes`;
}

const cases: Readonly<Record<string, () => unknown>> = {
  scan: () => count(scanStanzas(repeat('Package: a0\nVersion: 1\n\n'))),
  blank: () => count(scanStanzas(repeat('\n\n'))),
  packages: () => count(readPackagesIndex(repeat(`Package: a0\nVersion: 1\nArchitecture: all\nFilename: a\nSize: 1\nSHA256: ${hash}\n\n`))),
  sources: () => count(readSourcesIndex(repeat(`Package: a0\nVersion: 1\nDirectory: a\nChecksums-Sha256:\n ${hash} 1 a.dsc\n\n`))),
  translations: () => count(readTranslations(repeat(`Package: a0\nDescription-md5: ${hash.slice(32)}\nDescription-en: x\n\n`))),
  contents: () => count(readContents(repeat('usr/share/a\tadmin/one,two\n'))),
  continuation: () => count(readTranslations(Buffer.concat([Buffer.from(`Package: a0\nDescription-md5: ${hash.slice(32)}\nDescription-en: x\n`), repeat(' x\n')]))),
  ed: () => applyEdScript(repeat('x\n'), Buffer.from(Array.from({ length: 300_000 }, (_, i) => `${million - 3 * i}d\n`).join('')), { bytes: 2 ** 24 }).length,
  gz: () => readDeb(deb('.gz', compressed(['gzip', '-1'], hugeTar()))),
  xz: () => readDeb(deb('.xz', compressed(['xz', '-0'], hugeTar()))),
  zst: () => readDeb(deb('.zst', compressed(['zstd', '-q'], hugeTar()))),
  bz2: () => readDeb(deb('.bz2', compressed(['bzip2', '-1'], hugeTar()))),
  entries: () => readDeb(deb('.gz', compressed(['gzip', '-1'], manyEntries()))),
}; // prettier-ignore

const result = await cases[process.argv[2]!]!();
console.log(JSON.stringify({ result, rss: process.resourceUsage().maxRSS * 1024 }));
