/**
 * What a new fact about one snapshot changes in intervals [since, until). Pure.
 *
 * Snapshots may come in any order: one that lies between two others cuts what was thought to have lasted. Nothing but
 * the snapshots next to it matters: before it is said what it held, a snapshot counts as holding what the one before
 * held; so an item's interval can only end, begin, split or join here.
 */

/** Operations of sets of items, whatever the items are. */
export type Sets<S> = {
  readonly without: (set: S, other: S) => S;
  readonly common: (set: S, other: S) => S;
};

/** What the index holds in the snapshot before, in this one (as was thought, and in truth) and in the next. */
export type Around<S> = { readonly before: S; readonly thought: S; readonly truth: S; readonly after: S };

/** Each item is in one of these at most. "Here" is this snapshot, "next" the one after it, if there is one. */
export type IntervalChanges<S> = {
  /** Was thought to last: it ends here. */
  readonly end: S;
  /** Ends here, and begins again with the next. */
  readonly split: S;
  /** Began here: it begins with the next. */
  readonly beginLater: S;
  /** Was only here, and never was. */
  readonly drop: S;
  /** Ended here and began again with the next: it lasts. */
  readonly join: S;
  /** Ended here: it lasts until the next. */
  readonly prolong: S;
  /** Began with the next: it begins here. */
  readonly beginEarlier: S;
  /** Begins here, and lasts until the next. */
  readonly begin: S;
};

export function planIntervals<S>({ without, common }: Sets<S>, around: Around<S>): IntervalChanges<S> {
  const { before, thought, truth, after } = around;
  const left = without(thought, truth);
  const came = without(truth, thought);
  const [leftBefore, leftNew] = [common(left, before), without(left, before)];
  const [cameBefore, cameNew] = [common(came, before), without(came, before)];
  return {
    end: without(leftBefore, after),
    split: common(leftBefore, after),
    beginLater: common(leftNew, after),
    drop: without(leftNew, after),
    join: common(cameBefore, after),
    prolong: without(cameBefore, after),
    beginEarlier: common(cameNew, after),
    begin: without(cameNew, after),
  };
}
