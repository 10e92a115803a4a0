/** Which causes a comparison makes plausible: where to begin with experiments. Nothing here is proof. */
import { debhelperOf, withoutOldEntries } from '../debhelper.ts';
import { order } from '../../kit/order.ts';
import { causeKinds, type Cause, type CauseKind } from '../../model/rebuild.ts';
import { explainTexts, versions } from './explain-texts.ts';
import { shown } from './shown.ts';
import type { ContentDetail, DebComparison, DebDifference, Side } from './types.ts';

/** `about` keeps causes of one kind apart: the package of a dependency. */
type Evidence = { readonly kind: CauseKind; readonly weight: number; readonly detail: string; readonly about?: string };

const mostCauses = 20;
const mostPairs = 200;

/** Most plausible first, each with what speaks for it best; none is confirmed. */
export function hints({ differences }: DebComparison): Cause[] {
  const groups = new Map<string, { best: Evidence; count: number }>();
  for (const each of differences.flatMap(evidenceOf)) {
    const key = `${each.kind} ${each.about ?? ''}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { best: each, count: 1 });
    else {
      group.count++;
      if (each.weight > group.best.weight) group.best = each;
    }
  }
  return [...groups.values()]
    .toSorted((a, b) => weightOf(b) - weightOf(a) || rank(a.best) - rank(b.best) || order(a.best.detail, b.best.detail))
    .slice(0, mostCauses)
    .map(({ best: { kind, detail }, count }) => {
      return { kind, detail: count > 1 ? `${detail} (and ${count - 1} more)` : detail, confirmed: false };
    });
}

/** One strong sign is worth more than many weak ones, which may be its consequences. */
const weightOf = ({ best, count }: { readonly best: Evidence; readonly count: number }) =>
  best.weight + Math.min(count, 9) / 10;

const rank = ({ kind }: Evidence) => causeKinds.indexOf(kind);

function evidenceOf(difference: DebDifference): Evidence[] {
  switch (difference.kind) {
    case 'relation': {
      const { field, left, right } = difference;
      // Of packages built together, each demands the other's own version.
      if (!/built-using/i.test(field) && /\(= /.test(`${left} ${right}`)) return [];
      const detail = `${difference.package}: ${left ?? 'no relation'} → ${right ?? 'no relation'} in ${field}${libraryAge(difference)}`;
      return [{ kind: 'dependency', weight: 4, detail, about: difference.package }];
    }
    case 'field':
      return explained(difference.field, difference.left ?? '', difference.right ?? '');
    case 'mode':
      return [modeEvidence(difference.path, difference.left, difference.right)];
    case 'owner':
      return [ownerEvidence(difference.path, difference)];
    case 'link':
      return explained(difference.path, difference.left, difference.right);
    case 'time':
      return [timeEvidence(difference.paths[0] ?? difference.part, difference.left, difference.right, 3)];
    case 'member-time':
      return [{ kind: 'clock', weight: 1, detail: change(`time of ${difference.member}`, difference) }];
    case 'order':
      return [
        { kind: 'file-order', weight: 3, detail: `entries of ${difference.part}.tar, from ${difference.path} on` },
      ];
    case 'only':
      return oldNewsEvidence(difference);
    case 'content':
      // Sums follow from what they are sums of.
      if (difference.part === 'control' && difference.path === 'md5sums') return [];
      return contentEvidence(difference.path, difference.details);
    default:
      return [];
  }
}

function contentEvidence(place: string, details: readonly ContentDetail[]): Evidence[] {
  const found = details.flatMap((detail) => detailEvidence(place, detail));
  return found.length > 0 ? found : programEvidence(place, details);
}

function detailEvidence(place: string, detail: ContentDetail): Evidence[] {
  switch (detail.kind) {
    case 'lines': {
      const where = `${place}, line ${detail.line.left}`;
      const trimmed = trimmedEvidence(place, detail);
      if (trimmed !== undefined) return [trimmed];
      return changedTexts(where, detail.left, detail.right);
    }
    case 'strings':
      return changedTexts(
        detail.section === undefined ? place : `${place} in ${detail.section}`,
        detail.left,
        detail.right,
      );
    case 'order': {
      // Told apart by what else differs in the program.
      if (detail.of === 'names') return [];
      if (detail.of === 'sections') return [linkerEvidence(`${place}: the same sections in another order`)];
      const what = `${detail.of} of ${place}`;
      const byFiles: Evidence = { kind: 'file-order', weight: 3, detail: what };
      return detail.sorted === undefined ? [byFiles] : [byFiles, { kind: 'locale', weight: 2, detail: what }];
    }
    case 'header':
      if (detail.field === 'mode') return [modeEvidence(place, detail.left ?? '', detail.right ?? '')];
      if (detail.field.startsWith('offset of '))
        return [linkerEvidence(`${place}: the same sections, at other offsets`)];
      if (detail.field === 'owner') return [ownerEvidence(place, detail)];
      // A tool that writes them and one that does not are no matter of the clock.
      if (extraTimes.has(detail.field) && (detail.left === undefined || detail.right === undefined)) return [];
      if (detail.field === 'time' || extraTimes.has(detail.field))
        return [timeEvidence(place, detail.left ?? '', detail.right ?? '', 4)];
      return [];
    case 'part':
      return 'details' in detail ? contentEvidence(`${place}: ${detail.name}`, detail.details) : [];
    default:
      return [];
  }
}

/** What Info-ZIP may say of an entry beside its time. */
const extraTimes: ReadonlySet<string> = new Set(['modified', 'accessed', 'created']);

/** Texts that went are tried with those that came. */
function changedTexts(where: string, left: readonly string[], right: readonly string[]): Evidence[] {
  const free = new Set(right);
  return left.slice(0, mostPairs).flatMap((text) => {
    for (const other of free) {
      const evidence = explained(where, text, other);
      if (evidence.length === 0) continue;
      free.delete(other);
      return evidence;
    }
    return [];
  });
}

/** Of programs without a text that tells. */
function programEvidence(place: string, details: readonly ContentDetail[]): Evidence[] {
  const sections = details.filter((detail) => detail.kind === 'section');
  const others = sections.filter(
    ({ section }) => !/^\.(?:gnu_debuglink|gnu_debugaltlink|note\.|debug_|zdebug_)/.test(section),
  );
  if (others.length === 0) {
    if (!details.some(({ kind }) => kind === 'build-id')) return [];
    const stripped = 'paths, the name of the compiler, what headers of libraries declare';
    const detail = `${place}: only the build-id, which covers what was stripped: ${stripped}`;
    return [{ kind: 'build-path', weight: 2, detail }];
  }
  const code = others.find(({ section }) => section === '.text' || section.startsWith('.text.'));
  if (others.every(({ section }) => section === '.gnu.version')) {
    return [linkerEvidence(`${place}: the same names, but those without a version are marked in another way`)];
  }
  if (code === undefined) return linkedEvidence(place, details);
  return code.left === code.right
    ? [
        {
          kind: 'clock',
          weight: 1,
          detail: `${place}: code of the same size, as when a number such as a year is in it`,
        },
      ]
    : [
        {
          kind: 'dependency',
          weight: 1,
          detail: `${place}: code of another size, as another compiler or library gives`,
        },
      ];
}

/** The linker's order follows from all names it has seen, also those of libraries that the program does not use. */
function linkedEvidence(place: string, details: readonly ContentDetail[]): Evidence[] {
  if (!details.some((detail) => detail.kind === 'order' && detail.of === 'names')) return [];
  const detail = `${place}: the same code, but its names are in another order, as another version of a library that it is linked with gives`;
  return [{ kind: 'dependency', weight: 4, detail, about: 'linked library' }];
}

/** Where sections lie is the linker's choice alone: ld of binutils 2.40 puts .interp before all notes, 2.44 does not. */
function linkerEvidence(what: string): Evidence {
  const detail = `${what}, as another version of binutils gives`;
  return { kind: 'dependency', weight: 4, detail, about: 'linker' };
}

/** What dh_installchangelogs(1) of debhelper 13.10 and later puts in place of old entries. */
const trimMark = '# Older entries have been removed from this changelog.';
/** Of an entry: deb-changelog(5). */
const heading = /^[a-z0-9][a-z0-9+.-]+ \(\S+\) .*; *urgency=/;

function trimmedEvidence(place: string, { left, right }: ContentDetail & { readonly kind: 'lines' }) {
  if (left.length === 0 && /\bchangelog\b/.test(place) && right.some((line) => heading.test(line))) {
    const detail = `${place}: old entries only right, as by debhelper ${withoutOldEntries}, which left none of them`;
    return { kind: 'dependency', weight: 5, detail, about: 'debhelper trims' } as const;
  }
  const isTrimmed = left.includes(trimMark);
  if (isTrimmed === right.includes(trimMark)) return undefined;
  const [whole, trimmed] = isTrimmed ? ['right', 'left'] : ['left', 'right'];
  const detail = `${place}: whole ${whole}, trimmed ${trimmed}, as by debhelper from 13.10 on, unless DEB_BUILD_OPTIONS has notrimdch`;
  return { kind: 'dependency', weight: 5, detail, about: 'debhelper trims' } as const;
}

/** debhelper 13.11.7 and later leave out news that are older than the changelog's oldest entry. */
function oldNewsEvidence({ path, side }: { readonly path: string; readonly side: Side }): Evidence[] {
  if (!/^usr\/share\/doc\/[^/]+\/NEWS\.Debian(?:\.gz)?$/.test(path)) return [];
  const detail = `${path}: only ${side}, as debhelper from 13.11.7 on leaves out old news`;
  return [{ kind: 'dependency', weight: 3, detail, about: 'debhelper news' }];
}

/** Programs started by a C library from 2.34 on need at least that one. */
function libraryAge({ package: name, left, right }: { readonly package: string } & Partial<Record<Side, string>>) {
  if (!/^libc6\b/.test(name)) return '';
  const [one, other] = [left, right].map((relation) => /\(>= 2\.(\d+)/.exec(relation ?? '')?.[1]);
  if (one === undefined || other === undefined || Number(one) >= 34 === Number(other) >= 34) return '';
  return `: ${Number(one) < 34 ? 'left' : 'right'} was built with glibc before 2.34`;
}

function modeEvidence(path: string, left: string, right: string): Evidence {
  const changed = Number.parseInt(left, 8) ^ Number.parseInt(right, 8);
  const detail = `mode of ${path}: ${left} → ${right}`;
  return (changed & ~0o077) === 0 ? { kind: 'umask', weight: 4, detail } : { kind: 'environment', weight: 1, detail };
}

function ownerEvidence(
  path: string,
  { left = '', right = '' }: { readonly left?: string; readonly right?: string },
): Evidence {
  return { kind: 'environment', weight: 2, detail: change(`owner of ${path}`, { left, right }) };
}

const quarter = 15 * 60_000;
const day = 24 * 60 * 60_000;

/** Whole quarters of an hour apart, on about the same day, are another zone. */
function timeEvidence(path: string, left: string, right: string, weight: number): Evidence {
  const apart = Math.abs(Date.parse(left) - Date.parse(right));
  const kind = apart > 0 && apart <= day && apart % quarter === 0 ? 'timezone' : 'clock';
  return { kind, weight, detail: `time of ${path}: ${left || 'none'} → ${right || 'none'}` };
}

function explained(where: string, left: string, right: string): Evidence[] {
  const [one, other] = [left, right].map(debhelperOf);
  if (one !== undefined && other !== undefined && one !== other) {
    const detail = `debhelper ${one} → ${other} in ${change(where, { left, right })}`;
    return [{ kind: 'dependency', weight: 5, detail, about: 'debhelper' }];
  }
  const ordered = orderedSide(left, right);
  if (ordered !== undefined) {
    const detail = `${where}: elements named by their order ${ordered}, by a count ${ordered === 'left' ? 'right' : 'left'}, as libxslt does from 1.1.35-1+deb12u2 on`;
    return [{ kind: 'dependency', weight: 5, detail, about: 'libxslt' }];
  }
  const found = explainTexts(left, right);
  if (found === undefined) return makerEvidence(where, left, right);
  // Each version may be that of another library.
  const about = found.kind === 'dependency' ? { about: right.match(versions)?.join(' ') ?? '' } : {};
  return [{ kind: found.kind, weight: found.weight, detail: change(where, { left, right }), ...about }];
}

/** Where a file names what made it, and another program did. */
function makerEvidence(where: string, left: string, right: string): Evidence[] {
  const [about, other] = [left, right].map((text) => makers.exec(text)?.[0]);
  if (about === undefined || about !== other) return [];
  return [{ kind: 'dependency', weight: 3, detail: change(where, { left, right }), about }];
}

const makers =
  /^.{0,100}?\b(?:(?:Created-By|Tool|Generator): |(?:[Cc]reated|[Gg]enerated|[Pp]roduced) (?:by|using|with) )/;

/** Where generate-id() gave `idm41` for what is `id778` on the other side, and nothing else differs. */
function orderedSide(left: string, right: string): Side | undefined {
  const [byOrder, byCount] = [/\bid[mp]\d+\b/g, /\bid\d+\b/g];
  const isPair = (one: string, other: string) => {
    const named = one.replace(byOrder, 'id');
    return named !== one && named === other.replace(byCount, 'id');
  };
  return isPair(left, right) ? 'left' : isPair(right, left) ? 'right' : undefined;
}

function change(what: string, { left, right }: { readonly left: string; readonly right: string }): string {
  return `${what}: ${shown(left.trim())} → ${shown(right.trim())}`;
}
