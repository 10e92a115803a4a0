/** Two gzip files: what their headers say, and what is in them. RFC 1952, section 2.3. */
import type { Contents, LookInside } from './content.ts';
import { eitherOf, shown, shownTime } from './shown.ts';
import type { ContentDetail } from './types.ts';
import { unpackContent, type Taken } from './unpack-content.ts';

/** Throws `bad-compression` or `over-limit`. */
export async function compareGzip(
  { name, left, right }: Contents,
  inside: LookInside,
  taken: Taken,
): Promise<ContentDetail[]> {
  const details: ContentDetail[] = [];
  const [one, other] = [headerOf(left), headerOf(right)];
  for (const field of ['time', 'name', 'level', 'system'] as const) {
    if (one[field] === other[field]) continue;
    details.push({ kind: 'header', field, ...eitherOf(one[field], other[field]) });
  }
  const [content, like] = [await unpackContent(left, 'gzip', taken), await unpackContent(right, 'gzip', taken)];
  if (Buffer.compare(content, like) !== 0) {
    const part = name.replace(/\.gz$/, '').replace(/^.*\//, '');
    details.push({
      kind: 'part',
      name: shown(part),
      details: await inside({ name: part, left: content, right: like }),
    });
  }
  return details;
}

function headerOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = bytes.length < 10 ? 0 : bytes[3]!;
  const time = bytes.length < 10 ? 0 : view.getUint32(4, true);
  const extra = (flags & 4) === 0 || bytes.length < 12 ? 0 : view.getUint16(10, true) + 2;
  const name = (flags & 8) === 0 ? undefined : untilNul(bytes.subarray(10 + extra, 10 + extra + 1024));
  return {
    time: time === 0 ? undefined : shownTime(time),
    name: name === undefined ? undefined : shown(name),
    level: String(bytes[8]),
    system: String(bytes[9]),
  };
}

function untilNul(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
}
