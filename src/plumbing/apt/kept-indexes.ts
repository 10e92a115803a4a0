/**
 * Packages indexes as files by their SHA-256, each with two small files that spare reading it: where in it the stanza of
 * a `.deb` is, and which packages are essential or have a high priority.
 */
import { mkdir, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { fieldNumber, IndexFields } from '../../formats/deb/index-fields.ts';
import { scanStanzas } from '../../formats/deb/index-scan.ts';
import { readName, readSha256 } from '../../formats/deb/index-values.ts';
import type { Sha256 } from '../../kit/digest.ts';
import { order } from '../../kit/order.ts';
import { replaceFile } from '../replace-file.ts';

/** Names of packages by what the index says of them. */
export type ClassNames = { readonly [Class in 'essential' | 'required' | 'important' | 'standard']: readonly string[] };

/** SHA-256, offset and length of a stanza, sorted by SHA-256. */
const rowBytes = 32 + 8 + 4;

export class KeptIndexes {
  readonly #directory: string;
  readonly #read: (sha256: Sha256) => Promise<Uint8Array>;

  /** `read` gives the bytes of an index, their hash checked. */
  constructor(directory: string, read: (sha256: Sha256) => Promise<Uint8Array>) {
    this.#directory = directory;
    this.#read = read;
  }

  path(sha256: Sha256): string {
    return join(this.#directory, sha256);
  }

  /** Writes the files of an index unless they are here. The names file is written last: with it all are whole. */
  async prepare(index: { readonly sha256: Sha256; readonly size: number }): Promise<void> {
    const path = this.path(index.sha256);
    if ((await sizeOf(`${path}.names`)) !== undefined && (await sizeOf(path)) === index.size) return;
    await mkdir(this.#directory, { recursive: true });
    const bytes = await this.#read(index.sha256);
    const { table, names } = takeApart(bytes);
    await replaceFile(path, bytes);
    await replaceFile(`${path}.table`, table);
    await replaceFile(`${path}.names`, JSON.stringify(names));
  }

  /** Removes indexes that no state links to. */
  async forgetUnused(): Promise<void> {
    for (const name of await readdir(this.#directory).catch(() => [])) {
      if (!/^[0-9a-f]{64}$/.test(name)) continue;
      const path = join(this.#directory, name);
      if ((await stat(path)).nlink > 1) continue;
      for (const each of [`${path}.names`, `${path}.table`, path]) await rm(each, { force: true });
    }
  }

  async classNames(sha256: Sha256): Promise<ClassNames> {
    return JSON.parse(await readFile(`${this.path(sha256)}.names`, 'utf8')) as ClassNames;
  }

  /** The stanzas that an index has of these files, by their hashes. */
  async stanzas(sha256: Sha256, files: readonly Sha256[]): Promise<Map<Sha256, string>> {
    const found = new Map<Sha256, string>();
    if (files.length === 0) return found;
    const table = await readFile(`${this.path(sha256)}.table`);
    const index = await open(this.path(sha256));
    try {
      for (const each of files) {
        const row = findRow(table, Buffer.from(each, 'hex'));
        if (row === undefined) continue;
        const bytes = Buffer.alloc(table.readUInt32LE(row + 40));
        await index.read(bytes, 0, bytes.length, Number(table.readBigUInt64LE(row + 32)));
        found.set(each, bytes.toString());
      }
    } finally {
      await index.close();
    }
    return found;
  }
}

function findRow(table: Buffer, wanted: Buffer): number | undefined {
  let [low, high] = [0, table.length / rowBytes];
  while (low < high) {
    const middle = (low + high) >> 1;
    const compared = table.compare(wanted, 0, 32, middle * rowBytes, middle * rowBytes + 32);
    if (compared === 0) return middle * rowBytes;
    if (compared < 0) low = middle + 1;
    else high = middle;
  }
  return undefined;
}

function takeApart(bytes: Uint8Array): { readonly table: Buffer; readonly names: ClassNames } {
  const fields = new IndexFields('Packages', true);
  const rows: { readonly sha256: string; readonly start: number; readonly end: number }[] = [];
  const names = { essential: new Set<string>(), required: new Set<string>(), important: new Set<string>(), standard: new Set<string>() }; // prettier-ignore
  for (const { start, end } of scanStanzas(bytes)) {
    if (!fields.read(bytes, start, end)) continue;
    const sha256 = readSha256(fields);
    // Without a hash nothing can be locked; apt's answer will say so.
    if (sha256 !== '') rows.push({ sha256, start, end });
    if (fields.value(fieldNumber.Essential) === 'yes') names.essential.add(readName(fields));
    const priority = fields.value(fieldNumber.Priority);
    if (priority === 'required' || priority === 'important' || priority === 'standard')
      names[priority].add(readName(fields));
  }
  const table = Buffer.alloc(rows.length * rowBytes);
  for (const [at, { sha256, start, end }] of rows.toSorted((a, b) => order(a.sha256, b.sha256)).entries()) {
    table.write(sha256, at * rowBytes, 'hex');
    table.writeBigUInt64LE(BigInt(start), at * rowBytes + 32);
    table.writeUInt32LE(end - start, at * rowBytes + 40);
  }
  const sorted = (each: ReadonlySet<string>) => [...each].toSorted(order);
  return {
    table,
    names: {
      essential: sorted(names.essential),
      required: sorted(names.required),
      important: sorted(names.important),
      standard: sorted(names.standard),
    },
  };
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}
