/** Snapshots and what changed in them, in words. */
import type { ChangeCounts, SnapshotChanges } from '../../../model/index-history.ts';
import { snapshotTime, type SnapshotId } from '../../../model/names.ts';

/** `2026-09-12 07:55:41` */
export function formatSnapshotTime(id: SnapshotId | undefined): string | undefined {
  return id === undefined ? undefined : snapshotTime(id).toISOString().slice(0, 19).replace('T', ' ');
}

/** `3 added, 12 upgraded; sources: 2 upgraded`; undefined where nothing is known. */
export function formatChanges(changes: SnapshotChanges | undefined): string | undefined {
  if (changes === undefined) return undefined;
  const binary = formatCounts(changes.binary);
  const source = formatCounts(changes.source);
  if (binary === '' && source === '') return 'no package differs';
  return [binary, source === '' ? '' : `sources: ${source}`].filter((part) => part !== '').join('; ');
}

const words = {
  added: 'added',
  removed: 'removed',
  upgraded: 'upgraded',
  downgraded: 'downgraded',
  altered: 'with other bytes!',
} as const satisfies Record<keyof ChangeCounts, string>;

function formatCounts(counts: ChangeCounts): string {
  return (Object.keys(words) as (keyof ChangeCounts)[])
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `${counts[kind]} ${words[kind]}`)
    .join(', ');
}

/** `1 index`, `3 indexes`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
