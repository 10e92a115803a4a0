/** SSH's wire format (RFC 4251, section 5): `string` is a big-endian 32-bit length and that many bytes. */
import { SheafError } from '../../kit/error.ts';

export function badSsh(what: string, state: string): SheafError {
  return new SheafError('bad-ssh', `Cannot read ${what}: ${state}`);
}

export class WireReader {
  readonly #what: string;
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(what: string, bytes: Uint8Array) {
    this.#what = what;
    this.#bytes = bytes;
  }

  take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#position) throw badSsh(this.#what, 'it is cut off');
    this.#position += length;
    return this.#bytes.subarray(this.#position - length, this.#position);
  }

  uint32(): number {
    const [a, b, c, d] = this.take(4);
    return ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0;
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  string(): Uint8Array {
    return this.take(this.uint32());
  }

  /** A `string` that is ASCII. */
  text(): string {
    const bytes = this.string();
    if (bytes.some((byte) => byte < 0x20 || byte > 0x7e)) throw badSsh(this.#what, 'a name has strange characters');
    return new TextDecoder('latin1').decode(bytes);
  }

  /** A positive `mpint` as its magnitude without leading zeros. */
  mpint(): Uint8Array {
    const bytes = this.string();
    if (bytes.length === 0 || (bytes[0]! & 0x80) !== 0) throw badSsh(this.#what, 'a number is not positive');
    if (bytes[0] === 0 && (bytes[1] ?? 0) < 0x80) throw badSsh(this.#what, 'a number has needless zeros');
    return bytes[0] === 0 ? bytes.subarray(1) : bytes;
  }

  end(): void {
    if (this.#position !== this.#bytes.length) throw badSsh(this.#what, 'bytes follow its end');
  }
}

/** The `string` encodings of the parts, one after another. */
export function writeStrings(...parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(result.buffer);
  let position = 0;
  for (const part of parts) {
    view.setUint32(position, part.length);
    result.set(part, position + 4);
    position += 4 + part.length;
  }
  return result;
}
