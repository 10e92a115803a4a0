/** Texts of a package as they are told: cut, and harmless. */

const longest = 200;

/** One line of at most 200 characters. */
export function shown(text: string): string {
  const harmless = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\ufeff\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}');
  return harmless.length > longest ? `${harmless.slice(0, longest - 1).toWellFormed()}…` : harmless;
}

/** The root of an archive has no name. */
export function shownPath(path: string): string {
  return path === '' ? '.' : shown(path);
}

/** `2026-11-21T10:00:03Z`; years that no calendar has stay a number. */
export function shownTime(seconds: number): string {
  const time = new Date(seconds * 1000);
  return Number.isNaN(time.getTime()) ? String(seconds) : time.toISOString().replace('.000Z', 'Z');
}

export function shownHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What one side does not have is left out. */
export function eitherOf<T>(left: T | undefined, right: T | undefined): { readonly left?: T; readonly right?: T } {
  return { ...(left === undefined ? {} : { left }), ...(right === undefined ? {} : { right }) };
}
