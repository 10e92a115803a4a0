/** The members of a package's outer archive and what they sum up to, without decompressing anything. deb(5). */
import { createHash } from 'node:crypto';

import { streamAr, type ArMember } from '../../formats/container/ar.ts';
import { memberCompression, MemberOrder, type MemberRole } from '../../formats/deb/deb-members.ts';
import type { DebInput } from './ports.ts';
import { shownTime } from './shown.ts';
import type { ComparedFile, DebDifference, DebPart } from './types.ts';

export type DebMember = ArMember & { readonly role: MemberRole; readonly sha256: string };

export type DebMembers = { readonly file: ComparedFile; readonly members: readonly DebMember[] };

/** Throws `bad-ar` or `bad-deb`. */
export async function readMembers({ name, open }: DebInput): Promise<DebMembers> {
  const whole = createHash('sha256');
  const order = new MemberOrder(name);
  const members: DebMember[] = [];
  let size = 0;
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const piece of open(0, Infinity)) {
      size += piece.length;
      whole.update(piece);
      yield piece;
    }
  }
  for await (const { content, ...member } of streamAr(watched(), name)) {
    const role = order.role(member);
    const hash = createHash('sha256');
    let start: Uint8Array | undefined;
    for await (const piece of content) {
      hash.update(piece);
      start ??= piece;
    }
    if (role === 'format') order.checkFormat(start ?? new Uint8Array(), member.offset);
    members.push({ ...member, role, sha256: hash.digest('hex') });
  }
  order.end(size);
  return { file: { file: name, size, sha256: whole.digest('hex') }, members };
}

/** What the outer archives differ in, apart from what is inside control and data. */
export function compareMembers(left: readonly DebMember[], right: readonly DebMember[]): DebDifference[] {
  const differences: DebDifference[] = [];
  const [leftNames, rightNames] = [left, right].map((side) => side.map(plainName)) as [string[], string[]];
  if (leftNames.join('\n') !== rightNames.join('\n')) {
    differences.push({ kind: 'members', left: leftNames, right: rightNames });
  }
  for (const one of left) {
    const member = plainName(one);
    const other = right.find((each) => plainName(each) === member);
    if (other === undefined) continue;
    if (one.mtime !== other.mtime) {
      differences.push({ kind: 'member-time', member, left: shownTime(one.mtime), right: shownTime(other.mtime) });
    }
    if (isPart(one.role) || one.sha256 === other.sha256) continue;
    differences.push({ kind: 'member-content', member, left: summary(one), right: summary(other) });
  }
  return differences;
}

/** The parts whose bytes differ, and so must be decompressed. */
export function differingParts(left: readonly DebMember[], right: readonly DebMember[]) {
  return (['control', 'data'] as const).flatMap((part) => {
    const [one, other] = [left, right].map((side) => side.find(({ role }) => role === part)!) as [DebMember, DebMember];
    return one.sha256 === other.sha256 && one.name === other.name ? [] : [{ part, left: one, right: other }];
  });
}

export function compressionDifference(part: DebPart, left: DebMember, right: DebMember): DebDifference {
  const method = ({ name, size }: DebMember) => ({ method: memberCompression(name), size });
  return { kind: 'compression', part, left: method(left), right: method(right) };
}

const isPart = (role: MemberRole): role is DebPart => role === 'control' || role === 'data';

/** Compression is told apart from it. */
const plainName = ({ name, role }: DebMember) => (isPart(role) ? `${role}.tar` : name);

const summary = ({ size }: DebMember) => ({ size });
