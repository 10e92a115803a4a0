/** Values that several control files share: lists of words, package names, sources with a version. */
import { SheafError } from '../../kit/error.ts';
import { findField, requireField, type Stanza } from './deb822.ts';
import { splitVersion } from './version.ts';

/** A list separated by white space; empty for an empty value. */
export function splitWords(value: string): string[] {
  return value.split(/\s+/).filter((word) => word !== '');
}

/** A list separated by commas and white space, as some tools write `Binary` (Policy 5.6.19). */
export function splitList(value: string): string[] {
  return value.split(/[\s,]+/).filter((word) => word !== '');
}

/** Policy 5.6.1: at least two of lower-case letters, digits, `+ - .`, the first a letter or digit. */
export function isPackageNameText(text: string): boolean {
  return text.length <= 200 && /^[a-z0-9][a-z0-9+.-]+$/.test(text);
}

/** Returns the name; throws `bad-field` with the field's line. */
export function checkPackageName(value: string, name: string, stanza: Stanza, file: string): string {
  if (!isPackageNameText(value)) throw badField(stanza, name, file, `${shown(value)} is not a package name`);
  return value;
}

/** The `Version` field: deb-version(7), with the characters Policy 5.6.12 allows. */
export function requireVersion(stanza: Stanza, file: string, name = 'Version'): string {
  return checkVersion(requireField(stanza, name, file), name, stanza, file);
}

export function checkVersion(value: string, name: string, stanza: Stanza, file: string): string {
  try {
    splitVersion(value);
  } catch (cause) {
    throw badField(stanza, name, file, `${shown(value)} is not a version`, cause);
  }
  if (value.length > 250 || !/^(?:\d+:)?\d[A-Za-z0-9.+:~-]*$/.test(value)) {
    throw badField(stanza, name, file, `${shown(value)} is not a version`);
  }
  return value;
}

/** `name` or `name (version)`, as `.changes`, `.buildinfo` and binary packages name their source (Policy 5.6.1). */
export function requireSource(
  stanza: Stanza,
  file: string,
): { readonly name: string; readonly version: string | undefined } {
  const value = requireField(stanza, 'Source', file);
  const match = /^(\S+?)(?:\s*\(([^()\s]+)\))?$/.exec(value);
  if (match === null) throw badField(stanza, 'Source', file, `${shown(value)} is not a name with a version`);
  const version = match[2] === undefined ? undefined : checkVersion(match[2], 'Source', stanza, file);
  return { name: checkPackageName(match[1]!, 'Source', stanza, file), version };
}

export function badField(stanza: Stanza, name: string, file: string, state: string, cause?: unknown): SheafError {
  const line = findField(stanza, name)?.line ?? stanza.fields[0]?.line ?? 1;
  return new SheafError('bad-field', `Cannot read ${file}: in the field "${name}", ${state}`, {
    place: { file, line },
    cause,
  });
}

export function shown(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
