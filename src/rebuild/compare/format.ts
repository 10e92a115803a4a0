/** A comparison as people read it: a line for each difference, and below it what differs inside a file. */
import { formatSize } from '../../kit/bytes.ts';
import type { ContentDetail, DebComparison, DebDifference } from './types.ts';

/** Ends in LF. Two equal packages give one line. */
export function formatComparison({ left, right, equal, differences, omitted }: DebComparison): string {
  const lines = equal
    ? [`${left.file} and ${right.file}: the same bytes`]
    : [
        `left   ${left.file}, ${left.size} bytes, sha256 ${left.sha256}`,
        `right  ${right.file}, ${right.size} bytes, sha256 ${right.sha256}`,
        ...differences.flatMap(formatDifference),
        ...(omitted === 0 ? [] : [`and ${omitted} more differences`]),
      ];
  return `${lines.join('\n')}\n`;
}

const none = '(none)';

export function formatDifference(difference: DebDifference): string[] {
  switch (difference.kind) {
    case 'members':
      return [`members: ${difference.left.join(', ')} → ${difference.right.join(', ')}`];
    case 'member-time':
      return [`${difference.member}: packed at ${difference.left} → ${difference.right}`];
    case 'member-content':
      return [`${difference.member}: other content, ${difference.left.size} → ${difference.right.size} bytes`];
    case 'compression': {
      const { part, left, right } = difference;
      return [
        `${part}.tar: the same, compressed otherwise: ${left.method}, ${left.size} bytes → ${right.method}, ${right.size} bytes`,
      ];
    }
    case 'archive-form':
      return [`${difference.part}.tar: the same entries, packed otherwise`];
    case 'field':
      return [`${difference.field}: ${difference.left ?? none} → ${difference.right ?? none}`];
    case 'relation':
      return [
        `${difference.field}: ${difference.left ?? `${difference.package} ${none}`} → ${difference.right ?? none}`,
      ];
    case 'time': {
      const { part, left, right, paths, count } = difference;
      const more = count > paths.length ? ` and ${count - paths.length} more` : '';
      return [`${placeOf(part, paths.join(', '))}${more}: time ${left} → ${right}`];
    }
    case 'order':
      return [`${difference.part}.tar: other order of entries, from ${difference.path} on`];
    case 'only':
      return [
        `${placeOf(difference.part, difference.path)}: only ${difference.side} (${difference.type}, ${difference.size} bytes)`,
      ];
    case 'content': {
      const { part, path, format, left, right, details, omitted } = difference;
      const sizes = left.size === right.size ? `${left.size} bytes` : `${left.size} → ${right.size} bytes`;
      return [
        `${placeOf(part, path)}: other content (${format}, ${sizes})`,
        ...details.flatMap((detail) => formatDetail(detail, 1)),
        ...(omitted === 0 ? [] : [`  and ${omitted} more`]),
      ];
    }
    default:
      return [
        `${placeOf(difference.part, difference.path)}: ${difference.kind} ${difference.left} → ${difference.right}`,
      ];
  }
}

const placeOf = (part: string, path: string) => (part === 'data' ? path : `control: ${path}`);

function formatDetail(detail: ContentDetail, depth: number): string[] {
  const indent = '  '.repeat(depth);
  const line = (text: string) => [`${indent}${text}`];
  switch (detail.kind) {
    case 'lines':
      return [
        ...line(
          `line ${detail.line.left}${detail.line.left === detail.line.right ? '' : ` (right ${detail.line.right})`}`,
        ),
        ...formatLines('-', detail.left, detail.removed, indent),
        ...formatLines('+', detail.right, detail.added, indent),
      ];
    case 'order':
      return line(
        `the same ${detail.of} in another order${detail.sorted === undefined ? '' : ` (${detail.sorted} is sorted)`}`,
      );
    case 'section':
      return line(`section ${detail.section}: ${formatSizes(detail.left, detail.right)}`);
    case 'build-id':
      return line(`build-id ${detail.left ?? none} → ${detail.right ?? none}`);
    case 'header':
      return line(`${detail.field}: ${detail.left ?? none} → ${detail.right ?? none}`);
    case 'bytes':
      return line(`at byte ${detail.offset}: ${detail.left || none} → ${detail.right || none}`);
    case 'strings':
      return [
        ...line(`texts${detail.section === undefined ? '' : ` in ${detail.section}`}`),
        ...formatLines('-', detail.left, detail.left.length, indent),
        ...formatLines('+', detail.right, detail.right.length, indent),
      ];
    case 'part':
      return 'side' in detail
        ? line(`${detail.name}: only ${detail.side}`)
        : [...line(detail.name), ...detail.details.flatMap((inner) => formatDetail(inner, depth + 1))];
  }
}

function formatLines(sign: string, lines: readonly string[], count: number, indent: string): string[] {
  const more = count - lines.length;
  return [
    ...lines.map((text) => `${indent}  ${sign} ${text}`),
    ...(more > 0 ? [`${indent}  ${sign} … ${more} more`] : []),
  ];
}

function formatSizes(left: number | undefined, right: number | undefined): string {
  if (left === right) return `other content, ${formatSize(left!)}`;
  const size = (bytes: number | undefined) => (bytes === undefined ? none : `${bytes}`);
  return `${size(left)} → ${size(right)} bytes`;
}
