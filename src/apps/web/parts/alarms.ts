/** Package versions that had two contents: what must never happen, said where it cannot be overlooked. */
import { html } from 'hono/html';

import type { HashAlarm } from '../../../history/mod.ts';
import { viewerPath } from '../path.ts';
import { shortHash } from './common.ts';
import { foreign } from './foreign.ts';
import type { Html } from './html.ts';
import { moment } from './time.ts';

export function alarmList(alarms: readonly HashAlarm[], now: Date): Html {
  return html`<ul class="reasons">
    ${alarms.map(
      (alarm) =>
        html`<li>
          <p class="reason">
            <a href="${viewerPath({ kind: alarm.kind, name: alarm.name })}">${foreign(alarm.name)}</a>
            ${foreign(alarm.version)} ${alarm.kind === 'source' ? 'source' : foreign(alarm.architecture)} had
            ${alarm.sha256.length} different contents${alarm.origin === '' ? '' : ` in ${foreign(alarm.origin)}`}.
          </p>
          <p>${alarm.sha256.slice(0, 8).map((each) => html`${shortHash(each)} `)}</p>
          <p class="quiet">Seen ${moment(alarm.seenAt, now)}</p>
        </li>`,
    )}
  </ul>`;
}
