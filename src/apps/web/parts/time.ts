/** Moments and durations for people: relative in the text, exact in the title. */
import { html } from 'hono/html';

import { formatDuration } from '../../../kit/duration.ts';
import { utc } from '../../../tracker/mod.ts';
import type { Html } from './html.ts';

/** `now`, `12 s ago`, `in 3 d`. The page's script does the same as time goes by. */
export function relative(time: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - time.getTime()) / 1000);
  const size = Math.abs(seconds);
  if (size < 2) return 'now';
  const text =
    size < 100
      ? `${size} s`
      : size < 5400
        ? `${Math.round(size / 60)} min`
        : size < 129_600
          ? `${Math.round(size / 3600)} h`
          : `${Math.round(size / 86_400)} d`;
  return seconds > 0 ? `${text} ago` : `in ${text}`;
}

export function moment(time: Date | undefined, now: Date): Html {
  if (time === undefined) return html``;
  return html`<time datetime="${time.toISOString()}" title="${utc(time)}">${relative(time, now)}</time>`;
}

/** How long something took, or takes until now. */
export function span(from: Date | undefined, until: Date | undefined, now: Date): string {
  if (from === undefined) return '';
  return formatDuration(Math.max(0, (until ?? now).getTime() - from.getTime()));
}
