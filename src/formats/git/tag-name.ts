/**
 * Names of tags: git's rules for refs (git-check-ref-format) and how a Debian version becomes a part of one (DEP-14,
 * "Version mangling").
 */

const longest = 200;

/** What is wrong with a tag's name (the part after `refs/tags/`), or undefined. */
export function tagNameProblem(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (new TextEncoder().encode(name).length > longest) return `it is longer than ${longest} bytes`;
  // Control characters, space, ~ ^ : ? * [ \ (rules 4, 5, 10); U+FFFD stands for bytes that were no text.
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0020\u007f-\u009f~^:?*[\\\ufffd]/u.test(name)) return 'it has a character that git forbids';
  if (name.startsWith('-')) return 'it begins with "-"';
  if (name.includes('..')) return 'it has two dots in a row';
  if (name.includes('@{') || name === '@') return 'it has "@{" or is "@"';
  if (name.endsWith('.')) return 'it ends with a dot';
  for (const part of name.split('/')) {
    if (part === '') return 'it begins or ends with "/" or has "//"';
    if (part.startsWith('.')) return 'a part of it begins with a dot';
    if (part.endsWith('.lock')) return 'a part of it ends with ".lock"';
  }
  return undefined;
}

/** DEP-14: `:` → `%`, `~` → `_`, and `#` after a dot that is followed by a dot, the end, or a final `lock`. */
export function mangleVersion(version: string): string {
  return version
    .replaceAll(':', '%')
    .replaceAll('~', '_')
    .replaceAll(/\.(?=\.|$|lock$)/g, '.#');
}

/** The inverse; undefined for a text that no version is mangled to. */
export function unmangleVersion(mangled: string): string | undefined {
  const version = mangled.replaceAll('%', ':').replaceAll('_', '~').replaceAll('#', '');
  return mangleVersion(version) === mangled ? version : undefined;
}

/** The tag's name for a version: `%(version)s` in the format is replaced by the mangled version. */
export function formatTagName(format: string, version: string): string {
  return format.replaceAll('%(version)s', () => mangleVersion(version));
}

/** The version that a tag's name stands for under a format, or undefined when it does not fit the format. */
export function versionOfTagName(format: string, name: string): string | undefined {
  const [before, after] = format.split('%(version)s');
  if (before === undefined || after === undefined) return undefined;
  if (!name.startsWith(before) || !name.endsWith(after) || name.length <= before.length + after.length)
    return undefined;
  return unmangleVersion(name.slice(before.length, name.length - after.length));
}
