/** Two byte-compiled Python files: the sixteen bytes before the code. PEP 552. */
import { compareBinary } from './binary.ts';
import type { Contents } from './content.ts';
import { headerDetail } from './parts.ts';
import { shownHex, shownTime } from './shown.ts';
import type { ContentDetail } from './types.ts';

const headerSize = 16;

export function comparePython({ left, right }: Contents): ContentDetail[] {
  if (Math.min(left.length, right.length) < headerSize) return [];
  const [one, other] = [headerOf(left), headerOf(right)];
  const code = { left: left.subarray(headerSize), right: right.subarray(headerSize) };
  return [
    ...headerDetail('version', one.version, other.version),
    ...headerDetail('time', one.time, other.time),
    ...headerDetail('source', one.source, other.source),
    ...(Buffer.compare(code.left, code.right) === 0 ? [] : compareBinary(code)),
  ];
}

/** Without flags, the source's time and size follow; with them, its hash. */
function headerOf(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const byTime = view.getUint32(4, true) === 0;
  return {
    version: shownHex(bytes.subarray(0, 4)),
    time: byTime ? shownTime(view.getUint32(8, true)) : '',
    source: byTime ? `${view.getUint32(12, true)} bytes` : shownHex(bytes.subarray(8, headerSize)),
  };
}
