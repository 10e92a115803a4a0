/**
 * Small real `.deb`s from the stanzas of a real index: the true control file, and a package without files. Written here,
 * because `dpkg-deb` for each of 60,000 would take a quarter of an hour.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { debFileName } from '../../src/archive/layout.ts';
import type { RealPackage } from '../../test/quick-packages.ts';

/** Names of the files, in the order of the packages. */
export async function writeDebs(directory: string, packages: readonly RealPackage[]): Promise<string[]> {
  await mkdir(directory, { recursive: true });
  const names: string[] = [];
  for (const each of packages) {
    const name = debFileName(each.name, each.version, each.architecture);
    await writeFile(join(directory, name), debOf(each.control));
    names.push(name);
  }
  return names;
}

const root = tarEntry('./', new Uint8Array(), '5');
const endOfTar = new Uint8Array(1024);
const noFiles = gzipSync(Buffer.concat([root, endOfTar]));

/** deb(5). */
function debOf(control: string): Buffer {
  const tar = Buffer.concat([root, tarEntry('./control', Buffer.from(control), '0'), endOfTar]);
  const members = [
    ['debian-binary', Buffer.from('2.0\n')],
    ['control.tar.gz', gzipSync(tar, { level: 1 })],
    ['data.tar.gz', noFiles],
  ] as const;
  return Buffer.concat([
    Buffer.from('!<arch>\n'),
    ...members.flatMap(([name, bytes]) => [
      Buffer.from(
        `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(bytes.length).padEnd(10)}\`\n`,
      ),
      bytes,
      Buffer.alloc(bytes.length % 2, '\n'),
    ]),
  ]);
}

/** POSIX.1-2017 pax, "ustar Interchange Format". */
function tarEntry(name: string, content: Uint8Array, type: '0' | '5'): Buffer {
  const entry = Buffer.alloc(512 + Math.ceil(content.length / 512) * 512);
  const octal = (value: number, at: number, width: number) =>
    entry.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at);
  entry.write(name, 0);
  octal(type === '5' ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(content.length, 124, 12);
  octal(0, 136, 12);
  entry.write(' '.repeat(8), 148);
  entry.write(type, 156);
  entry.write('ustar\0' + '00', 257);
  const sum = entry.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  entry.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  entry.set(content, 512);
  return entry;
}
