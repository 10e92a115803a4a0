/** Two ELF files, section by section. */
import { readElf, sectionBytes, type Elf, type ElfSection } from '../../formats/elf/elf.ts';
import { buildId, debugLink } from '../../formats/elf/notes.ts';
import { compareStrings } from './binary.ts';
import type { Contents } from './content.ts';
import { eitherOf, shown } from './shown.ts';
import { compareOrder } from './text.ts';
import type { ContentDetail } from './types.ts';
import { compareVersions } from './versions.ts';

/** Sections that hold texts, which tell more than their sizes: paths, dates, compilers. */
const withText = /^\.(?:rodata|comment|data|debug_str|debug_line_str|go\.buildinfo|note\.package|strtab)\b/;
/** What is too short for a text; code, as compilers have instructions write short ones. */
const withVersions = /^\.(?:text|rodata)\b/;

/** Throws `bad-elf`. */
export function compareElf({ left, right }: Contents): ContentDetail[] {
  const [one, other] = [readElf(left), readElf(right)];
  const [leftId, rightId] = [buildId(left, one), buildId(right, other)];
  const details: ContentDetail[] = [];
  const texts: ContentDetail[] = [];
  for (const [section, mine, theirs] of pairSections(one, other)) {
    const [content, like] = [contentOf(left, mine), contentOf(right, theirs)];
    if (
      mine?.size === theirs?.size &&
      content !== undefined &&
      like !== undefined &&
      Buffer.compare(content, like) === 0
    )
      continue;
    // Its only content is told below.
    if (section === '.note.gnu.build-id' && mine !== undefined && theirs !== undefined) continue;
    if (section === '.dynstr' && content !== undefined && like !== undefined) {
      const reordered = compareOrder(namesIn(content), namesIn(like), 'names');
      if (reordered !== undefined) texts.push(reordered);
    }
    details.push({ kind: 'section', section: shown(section), ...eitherOf(mine?.size, theirs?.size) });
    if (content === undefined || like === undefined) continue;
    const told = withText.test(section) ? compareStrings(content, like, shown(section)) : [];
    const isSameSize = content.length === like.length && withVersions.test(section);
    texts.push(...(told.length === 0 && isSameSize ? compareVersions(content, like, shown(section)) : told));
  }
  const names = ({ sections }: Elf) => sections.map(({ name }) => name);
  if (compareOrder(names(one), names(other)) !== undefined) texts.push({ kind: 'order', of: 'sections' });
  if (texts.length === 0 && details.length === 0) texts.push(...compareLayout(one, other));
  const [link, likeLink] = [debugLink(left, one), debugLink(right, other)];
  return [
    ...(leftId === rightId ? [] : [{ kind: 'build-id' as const, ...eitherOf(leftId, rightId) }]),
    ...(link === likeLink ? [] : [{ kind: 'header' as const, field: 'debug link', ...eitherOf(link, likeLink) }]),
    // They tell more than what merely has moved.
    ...texts,
    ...details,
  ];
}

/** Where the first section lies that lies elsewhere. */
function compareLayout({ sections }: Elf, other: Elf): ContentDetail[] {
  for (const [at, { name, offset }] of sections.entries()) {
    const like = other.sections[at]!.offset;
    if (offset === like) continue;
    const [left, right] = [offset, like].map((each) => `0x${each.toString(16)}`) as [string, string];
    return [{ kind: 'header', field: `offset of ${shown(name)}`, left, right }];
  }
  return [];
}

function namesIn(bytes: Uint8Array): string[] {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1').split('\0');
}

function contentOf(bytes: Uint8Array, section: ElfSection | undefined): Uint8Array | undefined {
  return section === undefined ? undefined : sectionBytes(bytes, section);
}

/** By name; of several with the same name, the first with the first. */
function pairSections(left: Elf, right: Elf): (readonly [string, ElfSection | undefined, ElfSection | undefined])[] {
  const byName = ({ sections }: Elf) => {
    const groups = new Map<string, ElfSection[]>();
    for (const section of sections) {
      const group = groups.get(section.name);
      if (group === undefined) groups.set(section.name, [section]);
      else group.push(section);
    }
    return groups;
  };
  const [mine, theirs] = [byName(left), byName(right)];
  return [...new Set([...mine.keys(), ...theirs.keys()])].flatMap((name) => {
    const [ones, others] = [mine.get(name) ?? [], theirs.get(name) ?? []];
    const count = Math.max(ones.length, others.length);
    return Array.from({ length: count }, (_, index) => [name, ones[index], others[index]] as const);
  });
}
