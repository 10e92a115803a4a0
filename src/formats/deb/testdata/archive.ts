/** Archives made byte by byte, also such as no program would write. */

type Bytes = Uint8Array | string;

/** Members and their contents; `size` is what the header says instead of the truth. */
export function arOf(members: readonly (readonly [name: string, content: Bytes, size?: string])[]): Buffer {
  const parts = members.flatMap(([name, content, size]) => {
    const bytes = Buffer.from(content);
    const header = `${name.padEnd(16)}${'0'.padEnd(12)}0     0     100644  ${(size ?? String(bytes.length)).padEnd(10)}\`\n`;
    return [Buffer.from(header), bytes, Buffer.from(bytes.length % 2 === 1 ? '\n' : '')];
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

export type TarFields = {
  readonly type?: string;
  readonly link?: string;
  /** Name of the user; the number stays 0. */
  readonly owner?: string;
  /** The twelve bytes of the size. */
  readonly size?: Bytes;
  readonly checksum?: string;
};

/** A header of ustar and the content behind it. */
export function tarEntry(path: Bytes, content: Bytes = '', fields: TarFields = {}): Buffer {
  const bytes = Buffer.from(content);
  const header = Buffer.alloc(512);
  Buffer.from(path).copy(header, 0, 0, 100);
  header.write('0000644\0' + '0000000\0'.repeat(2), 100);
  Buffer.from(fields.size ?? `${bytes.length.toString(8).padStart(11, '0')}\0`).copy(header, 124);
  header.write('00000000001\0', 136);
  header.write(fields.type ?? '0', 156);
  header.write(fields.link ?? '', 157, 100);
  header.write(`ustar\x0000${fields.owner ?? 'root'}`, 257);
  header.write('        ', 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(fields.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc(-bytes.length & 511)]);
}

export const tarEnd = Buffer.alloc(1024);

export function tarOf(...entries: readonly Uint8Array[]): Buffer {
  return Buffer.concat([...entries, tarEnd]);
}

/** An extended header of these records. */
export function paxOf(...records: readonly string[]): Buffer {
  const text = records.map((record) => {
    let length = record.length + 2;
    while (`${length} ${record}\n`.length !== length) length++;
    return `${length} ${record}\n`;
  });
  return tarEntry('pax', text.join(''), { type: 'x' });
}

export const someControl =
  'Package: one\nVersion: 1-1\nArchitecture: all\nMaintainer: A <a@b>\nDescription: x\n';

/** A package of these entries, uncompressed unless the name of the member says otherwise. */
export function debOf(
  entries: readonly Uint8Array[],
  {
    control = someControl,
    dataName = 'data.tar',
    pack = (bytes: Buffer): Uint8Array => bytes,
  }: { readonly control?: Bytes; readonly dataName?: string; readonly pack?: (bytes: Buffer) => Uint8Array } = {},
): Buffer {
  return arOf([
    ['debian-binary', '2.0\n'],
    ['control.tar', tarOf(tarEntry('./', '', { type: '5' }), tarEntry('./control', control))],
    [dataName, pack(tarOf(...entries))],
  ]);
}
