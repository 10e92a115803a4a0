/** Versions in what is compiled: texts too short to be told from chance, but for what stands in their place. */
import { firstDifference } from './binary.ts';
import type { ContentDetail } from './types.ts';

/** Where more places differ, code has moved, and what stands at one place does not belong together. */
const mostPlaces = 200;
/** So far before and behind a byte that differs. */
const longest = 32;
const version = /\d+(?:\.\d+)+/g;

/** Of two sections of the same size: versions at one place, each pair once. */
export function compareVersions(left: Uint8Array, right: Uint8Array, section: string): ContentDetail[] {
  const pairs = new Map<string, readonly [string, string]>();
  let at = firstDifference(left, right);
  for (let places = 0; at < left.length; places++) {
    if (places === mostPlaces) return [];
    const [one, other] = [versionAt(left, at), versionAt(right, at)];
    const isPair = one !== undefined && one.start === other?.start;
    if (isPair) pairs.set(`${one.text} ${other!.text}`, [one.text, other!.text]);
    const next = isPair ? one.start + Math.max(one.text.length, other!.text.length) : at + 1;
    at = next + firstDifference(left.subarray(next), right.subarray(next));
  }
  if (pairs.size === 0) return [];
  const texts = [...pairs.values()];
  return [{ kind: 'strings', section, left: texts.map(([text]) => text), right: texts.map(([, text]) => text) }];
}

/** The version that a byte belongs to, and where it begins. */
function versionAt(bytes: Uint8Array, at: number): { readonly start: number; readonly text: string } | undefined {
  const from = Math.max(0, at - longest);
  const around = Buffer.from(bytes.subarray(from, at + longest)).toString('latin1');
  for (const { 0: text, index } of around.matchAll(version)) {
    const start = from + index;
    if (start <= at && at < start + text.length) return { start, text };
  }
  return undefined;
}
