/** Mirrors: what has to be where, in which order, and what is missing. */
export { compareMirror, type SuiteBehind } from './behind.ts';
export { planMirror, type MirrorPlan, type Pointer } from './plan.ts';
export type { Manifest, MirrorTarget, StoreTarget } from './ports.ts';
export { pushToStore, pushToSync, type PushOptions, type PushProgress, type PushReport } from './push.ts';
export { poolDigests } from './store.ts';
