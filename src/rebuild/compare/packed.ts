/** Two files compressed by xz, zstd or bzip2, whose headers tell of no time and no name: what is in them. */
import type { CompressionKind } from '../../formats/container/compression-kind.ts';
import type { Contents, LookInside } from './content.ts';
import { headerDetail } from './parts.ts';
import { shown } from './shown.ts';
import type { ContentDetail } from './types.ts';
import { unpackContent, type Taken } from './unpack-content.ts';

/** Throws `bad-compression` or `over-limit`. */
export function comparePacked(kind: CompressionKind) {
  return async ({ name, left, right }: Contents, inside: LookInside, taken: Taken): Promise<ContentDetail[]> => {
    const [content, like] = [await unpackContent(left, kind, taken), await unpackContent(right, kind, taken)];
    const size = ({ length }: Uint8Array) => `${length} bytes`;
    if (Buffer.compare(content, like) === 0) return headerDetail('compression', size(left), size(right));
    const part = name.replace(/\.(?:xz|zst|bz2)$/, '').replace(/^.*\//, '');
    const details = await inside({ name: part, left: content, right: like });
    return [{ kind: 'part', name: shown(part), details }];
  };
}
