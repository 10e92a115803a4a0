/** Whether the entries of a package's data archive can be unpacked side by side, and below one folder. */
import { isContainedPath } from '../container/tar.ts';
import type { TarType } from '../container/tar-header.ts';

export type DebEntryType = 'file' | 'directory' | 'symlink' | 'hardlink';

/** What to do about an entry that no package may have. */
export function pathHint(type: TarType): string | undefined {
  if (!isSpecial(type)) return undefined;
  return 'Packages have neither devices nor named pipes: their maintainer scripts make them (Debian Policy 10.6).';
}

function isSpecial(type: TarType): type is Exclude<TarType, DebEntryType> {
  return type === 'character-device' || type === 'block-device' || type === 'fifo';
}

const deepest = 128;
/** Of all paths together: they are kept, to know them again. */
const mostCharacters = 2 ** 27;

export class DebPaths {
  readonly #known = new Map<string, DebEntryType>();
  #characters = 0;

  /** Takes the next entry; gives what is wrong with it, or undefined. `path` is without `./` and the `/` at its end. */
  fault(path: string, type: TarType, link: string): string | undefined {
    const name = shown(path);
    if (isSpecial(type)) return `${name} is a ${type}`;
    if (path === '') return type === 'directory' ? undefined : `the root is a ${type}`;
    if (!isContainedPath(path)) return `${name} is not a path below the root`;
    this.#characters += path.length;
    if (this.#characters > mostCharacters) return `its paths are more than ${mostCharacters} characters together`;
    const before = this.#known.get(path);
    if (before !== undefined && (before !== 'directory' || type !== 'directory')) return `${name} is there twice`;
    const state = this.#wayFault(path) ?? (type === 'hardlink' ? this.#linkFault(path, link) : undefined);
    if (state === undefined) this.#known.set(path, type);
    return state;
  }

  /** What is unpacked through a link of the package itself would come to lie wherever that points. */
  #wayFault(path: string): string | undefined {
    let depth = 0;
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (++depth > deepest) return `${shown(path)} is deeper than ${deepest} folders`;
      const type = this.#known.get(path.slice(0, at));
      if (type !== undefined && type !== 'directory') return `${shown(path)} goes through a ${type}`;
    }
    return undefined;
  }

  #linkFault(path: string, link: string): string | undefined {
    const target = plainPath(link);
    const type = this.#known.get(target);
    if (type === 'file' || type === 'hardlink') return undefined;
    return `the hard link ${shown(path)} leads to ${shown(link)}, which is no file before it`;
  }
}

/** Without `./` before and `/` behind. */
export function plainPath(path: string): string {
  return path.replace(/^(?:\.\/+)+|^\.$/, '').replace(/\/+$/, (slashes) => (slashes.length === path.length ? '/' : ''));
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
