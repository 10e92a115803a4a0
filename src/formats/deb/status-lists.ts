/** What dpkg and apt keep beside the packages: files that lie elsewhere, files left out, who came by itself. */
import { SheafError } from '../../kit/error.ts';
import { field, parseStanzas } from './deb822.ts';

export type Diversion = {
  /** Absolute. */
  readonly from: string;
  readonly to: string;
  /** The package whose file keeps its place; undefined for one that a person made. */
  readonly by: string | undefined;
};

/** `/var/lib/dpkg/diversions`: three lines each. dpkg-divert(1). Throws `bad-diversions` with file and line. */
export function parseDiversions(text: string, file = 'diversions'): Diversion[] {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
  const found: Diversion[] = [];
  for (let line = 0; line < lines.length; line += 3) {
    const [from = '', to = '', by = ''] = lines.slice(line, line + 3);
    if (!from.startsWith('/') || !to.startsWith('/') || by === '') {
      throw new SheafError('bad-diversions', `Cannot read ${file}: expected a path, a path and a package`, {
        place: { file, line: line + 1 },
      });
    }
    found.push({ from, to, by: by === ':' ? undefined : by });
  }
  return found;
}

/**
 * `/var/lib/apt/extended_states`: which packages came only because others needed them, as `name:architecture`. Throws
 * `bad-control-file` with file and line.
 */
export function parseAutoInstalled(text: string, file = 'extended_states'): Set<string> {
  const found = parseStanzas(text, file).filter((stanza) => field(stanza, 'Auto-Installed') === '1');
  return new Set(found.map((stanza) => `${field(stanza, 'Package') ?? ''}:${field(stanza, 'Architecture') ?? ''}`));
}

export type PathRule = { readonly excludes: boolean; readonly pattern: string };

/** `path-exclude` and `path-include` of dpkg's settings, in their order: the last that fits a path decides. dpkg.cfg(5). */
export function parsePathRules(text: string): PathRule[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(?:--)?path-(exclude|include)\s*[=\s]\s*(\S.*)$/.exec(line);
    return match === null ? [] : [{ excludes: match[1] === 'exclude', pattern: match[2]!.trimEnd() }];
  });
}
