/** What happened, newest first. */
import { html } from 'hono/html';

import type { EventView } from '../../../tracker/mod.ts';
import { jobPath, newPath, suitePath, tagBuildPath } from '../path.ts';
import { foreign } from './foreign.ts';
import type { Html } from './html.ts';
import { moment } from './time.ts';

export function eventList(events: readonly EventView[], now: Date): Html {
  return html`<ol class="events">
    ${events.map(
      (event) => html`<li><span class="when">${moment(event.at, now)}</span> <span>${eventMessage(event)}</span></li>`,
    )}
  </ol>`;
}

function eventMessage(event: EventView): Html {
  const href =
    event.job !== undefined
      ? jobPath(event.job)
      : event.tagBuild !== undefined
        ? tagBuildPath(event.tagBuild)
        : event.upload !== undefined
          ? newPath(event.upload)
          : event.suite !== undefined
            ? suitePath(event.suite)
            : undefined;
  const message = foreign(event.message, 2000);
  return href === undefined ? html`${message}` : html`<a class="plain" href="${href}">${message}</a>`;
}
