/** `sheaf lock update`: a lock moved, told, written, committed. */
import { basename } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

import { changeClasses } from '../../../compare/mod.ts';
import type { LockComparison } from '../../../flows/compare-locks.ts';
import { recordPublications } from '../../../flows/record-publication.ts';
import { updateLock, type Movable, type SecurityUpdate, type UpdateLockDeps } from '../../../flows/update-lock.ts';
import { SheafError } from '../../../kit/error.ts';
import { formatLock } from '../../../lock/mod.ts';
import { readLockSpec } from '../../../lock/spec.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { formatAlarms } from '../diff/text.ts';
import { interruptible } from '../interrupt.ts';
import { writeOutputFile } from '../output-file.ts';
import { style } from '../style.ts';
import { lockChangelogs } from './changelogs.ts';
import { checkCommitted, commitFile } from './commit.ts';
import { formatLockChanges } from './diff.ts';
import { readLocks } from './read.ts';

export type UpdateOptions = {
  readonly spec?: string | undefined;
  readonly only?: string[] | undefined;
  readonly security?: true | undefined;
  readonly to?: string | undefined;
  readonly check?: true | undefined;
  readonly commit?: true | undefined;
  readonly changelogs: boolean;
  readonly json: boolean;
};

export type Updated =
  | ({
      /** `behind`: only looked, by `--check`. */
      readonly kind: 'updated' | 'behind';
      readonly file: string;
      readonly forced: readonly string[];
      readonly security?: readonly SecurityUpdate[];
      /** Id of the commit. */
      readonly commit?: string;
    } & LockComparison)
  | { readonly kind: 'unchanged'; readonly file: string }
  | { readonly kind: 'unsatisfiable'; readonly file: string; readonly explanation: string };

type UpdateHouse = Pick<House, 'lock' | 'history' | 'publications'>;

/** Throws what reading, updating and committing throw; the file is whole in any case. */
export async function update(house: UpdateHouse, file: string, options: UpdateOptions): Promise<Updated> {
  if (options.commit === true) await checkCommitted(file);
  const { locks } = await readLocks(file);
  const spec = options.spec === undefined ? undefined : await readLockSpec(options.spec);
  const places = spec?.from ?? locks.flatMap(({ sources }) => sources.flatMap(({ snapshot }) => snapshot ?? []));
  if (places.some((place) => !place.includes('/'))) await recordPublications(house.publications);
  const found = await interruptible(async (signal) => {
    const changelogs: UpdateLockDeps['changelogs'] = (packages) =>
      lockChangelogs(packages, { json: options.json, signal });
    const deps = { ...house.lock, history: house.history, ...(options.changelogs ? { changelogs } : {}) };
    const answer = await updateLock(deps, locks, { movable: movableOf(options), spec, to: options.to });
    if (signal.aborted) throw new SheafError('aborted', `Cannot update ${file}: it was called off; it stays as it was`);
    return answer;
  });
  if (found.kind !== 'updated') return { ...found, file };
  const { comparison, forced, security, locks: made } = found;
  const about = { file, forced, ...(security === undefined ? {} : { security }), ...comparison };
  if (options.check === true) return { kind: 'behind', ...about };
  const content = formatLock(...made);
  const updated = { kind: 'updated', ...about } as const;
  if (options.commit === true) return { ...updated, commit: await commitFile(file, content, messageOf(updated)) };
  await writeOutputFile(file, content);
  return updated;
}

function movableOf({ only, security }: UpdateOptions): Movable {
  if (only !== undefined) return { kind: 'only', names: only };
  return { kind: security === true ? 'security' : 'all' };
}

/** The same words as on the terminal, below a subject. */
function messageOf(updated: Extract<Updated, { readonly kind: 'updated' | 'behind' }>): string {
  const lines = formatMoved(updated).map((line) => stripVTControlCharacters(line).trimEnd());
  return `Update ${clean(basename(updated.file))}: ${totalsOf(updated)}\n\n${lines.join('\n').trim()}\n`;
}

function totalsOf({ architectures }: LockComparison): string {
  const told = changeClasses.flatMap((each) => {
    const sum = Math.max(0, ...architectures.map(({ counts }) => counts[each]));
    return sum === 0 ? [] : [`${sum} ${each}`];
  });
  return told.length === 0 ? 'what was asked for' : told.join(', ');
}

export function formatUpdated(updated: Updated): string[] {
  const file = clean(updated.file);
  switch (updated.kind) {
    case 'unchanged':
      return [`${file} is as new as it can be: nothing moves`];
    case 'unsatisfiable':
      return [
        style('red', `${file} stays as it was: apt finds no set of packages that fits:`),
        ...updated.explanation.split('\n').map((line) => `  ${clean(line)}`),
      ];
    case 'behind':
      return [...formatMoved(updated), `${file} would change; nothing was written`];
    case 'updated':
      return [
        ...formatMoved(updated),
        `Wrote ${file}`,
        ...(updated.commit === undefined ? [] : [`Committed as ${clean(updated.commit)}`]),
      ];
  }
}

function formatMoved(updated: Extract<Updated, { readonly kind: 'updated' | 'behind' }>): string[] {
  const { alarms, forced, security } = updated;
  return [
    ...formatAlarms(alarms),
    ...[...Map.groupBy(security ?? [], ({ place }) => place)].map(([place, updates]) =>
      clean(`Newer in ${place}: ${[...new Set(updates.map(({ name }) => name))].join(', ')}`),
    ),
    ...(forced.length === 0 ? [] : [clean(`Moved with them: ${forced.join(', ')}`)]),
    ...(security === undefined && forced.length === 0 ? [] : ['']),
    ...formatLockChanges(updated),
  ];
}
