/** Looking into settings that may be wrong: what is not there, or not a table, is undefined. */
import type { Path } from '../kit/toml.ts';

export type Raw = Readonly<Record<string, unknown>>;

/** Reports a problem at a value. */
export type Report = (path: Path, message: string) => void;

export function at(raw: Raw, ...path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Raw)[key] : undefined),
    raw,
  );
}

/** Names of the sections `[kind.NAME]`. */
export function sectionsOf(raw: Raw, kind: string): string[] {
  const table = at(raw, kind);
  if (typeof table !== 'object' || table === null || Array.isArray(table) || table instanceof Date) return [];
  return Object.keys(table);
}

/** The texts of a list, with their paths. */
export function textsAt(raw: Raw, ...path: Path): { readonly text: string; readonly path: Path }[] {
  const list = at(raw, ...path);
  if (!Array.isArray(list)) return [];
  return list.flatMap((text, index) => (typeof text === 'string' ? [{ text, path: [...path, index] }] : []));
}
