/** Two zip archives, jars and wheels among them: what their lists say, and what is in the entries that differ. */
import { readZip, zipContent, zipExtra, type ZipEntry, type ZipExtra } from '../../formats/container/zip.ts';
import { SheafError } from '../../kit/error.ts';
import type { Contents, LookInside } from './content.ts';
import { compareParts, headerDetail } from './parts.ts';
import { eitherOf, shownTime } from './shown.ts';
import type { ContentDetail } from './types.ts';
import { unpackContent, type Taken } from './unpack-content.ts';

type Part = ZipEntry & { readonly name: string; readonly extra: ZipExtra };

/** Throws `bad-zip`. */
export async function compareZips(
  { left, right }: Contents,
  inside: LookInside,
  taken: Taken,
): Promise<ContentDetail[]> {
  const partsOf = (bytes: Uint8Array) =>
    readZip(bytes).map((entry): Part => ({ ...entry, name: entry.path, extra: zipExtra(bytes, entry) }));
  // Of more than are told it is enough to know that they differ.
  let looks = taken.limits.details;
  return compareParts(partsOf(left), partsOf(right), async (one, other) => {
    const headers = [...compareHeaders(one, other), ...compareExtras(one.extra, other.extra)];
    const [content, like] = [contentOf(one), contentOf(other)];
    if (content === like) return [...headers, ...headerDetail('compression', packed(one), packed(other))];
    const details = looks-- > 0 ? await lookInto({ left, one }, { right, other }, inside, taken) : undefined;
    return [...headers, ...(details ?? headerDetail('content', content, like))];
  });
}

const contentOf = ({ crc32, size }: ZipEntry) => `${size} bytes, CRC-32 ${crc32.toString(16).padStart(8, '0')}`;
const packed = ({ method, compressedSize }: ZipEntry) => `method ${method}, ${compressedSize} bytes`;

/** Undefined for what cannot be unpacked here. */
async function lookInto(
  { left, one }: { readonly left: Uint8Array; readonly one: Part },
  { right, other }: { readonly right: Uint8Array; readonly other: Part },
  inside: LookInside,
  taken: Taken,
): Promise<readonly ContentDetail[] | undefined> {
  const [mine, theirs] = [zipContent(left, one), zipContent(right, other)];
  if (mine === undefined || theirs === undefined) return undefined;
  const unpack = async ({ kind, bytes }: typeof mine) => (kind === 'none' ? bytes : unpackContent(bytes, kind, taken));
  try {
    return await inside({ name: one.name, left: await unpack(mine), right: await unpack(theirs) });
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    return undefined;
  }
}

function compareHeaders(left: ZipEntry, right: ZipEntry): ContentDetail[] {
  return [
    ...headerDetail('time', left.time, right.time),
    ...headerDetail('mode', left.mode.toString(8), right.mode.toString(8)),
  ];
}

function compareExtras(left: ZipExtra, right: ZipExtra): ContentDetail[] {
  const times = (['modified', 'accessed', 'created'] as const).flatMap((field): ContentDetail[] => {
    const [one, other] = [left[field], right[field]].map((time) => (time === undefined ? undefined : shownTime(time)));
    return one === other ? [] : [{ kind: 'header', field, ...eitherOf(one, other) }];
  });
  if (left.owner === right.owner) return times;
  return [...times, { kind: 'header', field: 'owner', ...eitherOf(left.owner, right.owner) }];
}
