/** What S3 says about an object's bytes, computed here: entity tags and checksums, whole and in parts. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Bytes of one part; a file that is no larger is sent in one piece. */
export const partSize = 64 * 2 ** 20;

export type Part = { readonly sha256: Buffer; readonly md5: Buffer; readonly size: number };

export type Digests = {
  readonly sha256: string;
  /** As `x-amz-checksum-sha256` and `ETag` (without quotes) show them, for a file sent as we send it. */
  readonly checksum: string;
  readonly etag: string;
  readonly parts: readonly Part[];
};

export async function readDigests(source: string, size: number = partSize): Promise<Digests> {
  const whole = createHash('sha256');
  const parts: Part[] = [];
  let [sha256, md5, length] = [createHash('sha256'), createHash('md5'), 0];
  const close = () => {
    parts.push({ sha256: sha256.digest(), md5: md5.digest(), size: length });
    [sha256, md5, length] = [createHash('sha256'), createHash('md5'), 0];
  };
  for await (const chunk of createReadStream(source, { highWaterMark: 2 ** 18 })) {
    let rest = chunk as Buffer;
    whole.update(rest);
    while (rest.length > 0) {
      if (length === size) close();
      const piece = rest.subarray(0, size - length);
      sha256.update(piece);
      md5.update(piece);
      length += piece.length;
      rest = rest.subarray(piece.length);
    }
  }
  close();
  const hex = whole.digest('hex');
  const [first] = parts as [Part, ...Part[]];
  if (parts.length === 1) {
    return { sha256: hex, checksum: first.sha256.toString('base64'), etag: first.md5.toString('hex'), parts };
  }
  const join = (algorithm: string, pieces: readonly Buffer[]) => createHash(algorithm).update(Buffer.concat(pieces));
  return {
    sha256: hex,
    checksum: `${join(
      'sha256',
      parts.map((part) => part.sha256),
    ).digest('base64')}-${parts.length}`,
    etag: `${join(
      'md5',
      parts.map((part) => part.md5),
    ).digest('hex')}-${parts.length}`,
    parts,
  };
}
