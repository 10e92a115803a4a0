/** What an ELF file says of itself: its build-id, and where its debugging information is. */
import { elfTypes, sectionBytes, type Elf } from './elf.ts';

/** ELF note of GNU, ld(1) `--build-id`: type 3 of "GNU". */
const buildIdType = 3;
const longestBuildId = 64;

/** In lower-case hex, or undefined. Notes that do not fit into their section are passed over. */
export function buildId(bytes: Uint8Array, elf: Elf): string | undefined {
  for (const section of elf.sections) {
    if (section.type !== elfTypes.note) continue;
    const found = findNote(sectionBytes(bytes, section), elf.littleEndian);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A note: size of the name, size of the description, type, then both, each filled up to four bytes. */
function findNote(note: Uint8Array, littleEndian: boolean): string | undefined {
  const view = new DataView(note.buffer, note.byteOffset, note.byteLength);
  for (let at = 0; at + 12 <= note.length;) {
    const [nameSize, size] = [view.getUint32(at, littleEndian), view.getUint32(at + 4, littleEndian)];
    const type = view.getUint32(at + 8, littleEndian);
    const description = at + 12 + padded(nameSize);
    if (description + size > note.length) return undefined;
    const name = String.fromCharCode(...note.subarray(at + 12, at + 12 + Math.min(nameSize, 4)));
    if (type === buildIdType && nameSize === 4 && name === 'GNU\0' && size > 0 && size <= longestBuildId) {
      return [...note.subarray(description, description + size)]
        .map((byte) => byte.toString(16).padStart(2, '0'))
        .join('');
    }
    at = description + padded(size);
  }
  return undefined;
}

const padded = (size: number) => Math.ceil(size / 4) * 4;

/** The name of the file with the debugging information. objcopy(1) `--add-gnu-debuglink`. */
export function debugLink(bytes: Uint8Array, elf: Elf): string | undefined {
  const section = elf.sections.find(({ name }) => name === '.gnu_debuglink');
  if (section === undefined) return undefined;
  const content = sectionBytes(bytes, section);
  const end = content.indexOf(0);
  return end <= 0 || end > 255 ? undefined : new TextDecoder().decode(content.subarray(0, end));
}
