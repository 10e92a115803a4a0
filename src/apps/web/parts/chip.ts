/** A state as a small label: colour and text say the same. */
import { html } from 'hono/html';

import type { PackageState, StepState, WorkerView } from '../../../tracker/mod.ts';
import type { RebuildTaskState, Verdict } from '../../../model/rebuild.ts';
import type { TagBuildState } from '../../../model/tag-build.ts';
import type { Html } from './html.ts';

/** `good`: as wanted. `busy`: moving now. `idle`: waits for its turn. `bad`: needs somebody. `off`: out of use. */
export type Tone = 'good' | 'busy' | 'idle' | 'bad' | 'off';

type AnyState =
  | PackageState
  | TagBuildState
  | StepState
  | Verdict
  | WorkerView['activity']
  | RebuildTaskState
  | 'built'
  | 'expired'
  | 'refused'
  | 'cancelled'
  | 'frozen'
  | 'open'
  | 'new'
  | 'unchanged'
  | 'NEW';

const tones: Readonly<Record<AnyState, Tone>> = {
  'Needs-Build': 'idle',
  'BD-Uninstallable': 'bad',
  Building: 'busy',
  Built: 'busy',
  Uploaded: 'busy',
  Installed: 'good',
  'Build-Attempted': 'bad',
  Failed: 'bad',
  Cancelled: 'off',
  'Not-For-Us': 'off',
  RECEIVED: 'busy',
  ACCEPTED: 'busy',
  REJECTED: 'bad',
  DONE: 'good',
  DUPLICATE: 'off',
  PENDING: 'busy',
  PUBLISHED: 'good',
  SUPERSEDED: 'off',
  DELETED: 'off',
  OBSOLETE: 'off',
  done: 'good',
  running: 'busy',
  waiting: 'idle',
  failed: 'bad',
  skipped: 'off',
  'given-up': 'bad',
  pending: 'idle',
  disabled: 'off',
  busy: 'busy',
  idle: 'good',
  silent: 'bad',
  built: 'good',
  expired: 'bad',
  refused: 'bad',
  cancelled: 'off',
  frozen: 'off',
  open: 'good',
  new: 'good',
  unchanged: 'off',
  NEW: 'idle',
  reproduced: 'good',
  differs: 'bad',
  unknown: 'off',
};

export function toneOf(state: AnyState): Tone {
  return tones[state];
}

export function chip(state: AnyState, tone: Tone = toneOf(state)): Html {
  return html`<span class="chip ${tone}">${state}</span>`;
}
