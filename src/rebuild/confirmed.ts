/** What is confirmed where bytes never all agreed: what a thing, restored, has made to agree and what has stayed so. Pure. */
import type { Cause } from '../model/rebuild.ts';
import { isBlind, type Experiment, type Group } from './experiments.ts';

/** A rebuild under all of these that was compared. */
export type Attempt = {
  readonly all: readonly Experiment[];
  /** Where it differs; undefined where that is not known in full. */
  readonly places: ReadonlySet<string> | undefined;
};

/** An attempt that came nearer than the one before it, by what it had more. */
export type Step = Attempt & { readonly added: Group };

const mostPlaces = 20;

/**
 * A cause for each thing that came nearer. It is confirmed as far as places agreed in the same attempt and in all later
 * ones that had it too; what was but guessed, only where there was such a later one, for it may have come by chance. Of
 * several things that were tried together it is not known which of them it was. `attempts`: all, in their order.
 */
export function confirmSteps(
  first: Attempt['places'],
  steps: readonly Step[],
  attempts: readonly Attempt[],
): readonly Cause[] {
  return steps.flatMap((step, index) => {
    const before = index === 0 ? first : steps[index - 1]!.places;
    const same = attemptsWith(step, attempts);
    const agreeing = [...(before ?? [])].filter((place) => same.every(({ places }) => places?.has(place) === false));
    const isSure = step.added.length === 1 && (same.length > 1 || !isBlind(step.added[0]!));
    return step.added.map(({ kind, restored }): Cause => {
      const cause = { kind, detail: restored, confirmed: isSure && agreeing.length > 0 };
      return cause.confirmed ? { ...cause, explains: listed(agreeing.map(nameOf)) } : cause;
    });
  });
}

/** Whether another build under all that has helped would tell more: the last of it was guessed, and stands alone. */
export function isUnsure(steps: readonly Step[], attempts: readonly Attempt[]): boolean {
  const last = steps.at(-1);
  return last?.added.length === 1 && isBlind(last.added[0]!) && attemptsWith(last, attempts).length === 1;
}

function attemptsWith(step: Step, attempts: readonly Attempt[]): readonly Attempt[] {
  return attempts.filter(({ all }) => step.all.every((each) => all.includes(each)));
}

/** Of a file's places, which differ from those of another file. */
export function placeIn(file: string, place: string): string {
  return `${file}\0${place}`;
}

function nameOf(place: string): string {
  return place.slice(place.indexOf('\0') + 1);
}

/** Each once: files of one source have the same path, such as that of its changelog. */
function listed(all: readonly string[]): string {
  const names = [...new Set(all)];
  const rest = names.length - mostPlaces;
  return [...names.slice(0, mostPlaces), ...(rest > 0 ? [`${rest} more`] : [])].join(', ').slice(0, 4000);
}
