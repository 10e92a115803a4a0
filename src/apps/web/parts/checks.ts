/** Looks at an upstream's suites, and what came of them. */
import { html } from 'hono/html';

import { formatSize } from '../../../kit/bytes.ts';
import type { UpstreamCheck } from '../../../sync/mod.ts';
import { suiteRefPath } from '../path.ts';
import { chip } from './chip.ts';
import { foreign } from './foreign.ts';
import type { Html } from './html.ts';
import { moment } from './time.ts';

/** The newest look at a suite, in one line. */
export function lastCheck(check: UpstreamCheck | undefined, now: Date): Html {
  if (check === undefined) return html`<span class="quiet">never looked at</span>`;
  return html`${chip(check.outcome)} ${foreign(check.message)}
    <span class="quiet">${moment(check.finishedAt, now)}</span>`;
}

/** With `suites`, each tells the suite that was looked at. */
export function checkList(checks: readonly UpstreamCheck[], now: Date, { suites = false } = {}): Html {
  return html`<ol class="checks">
    ${checks.map(
      (check) =>
        html`<li>
          <span class="when quiet">${moment(check.finishedAt, now)}</span>
          <p>
            ${suites ? html`<a href="${suiteRefPath({ origin: check.upstream, suite: check.suite })}">${check.suite}</a> ` : ''}${chip(check.outcome)}
            ${check.code === undefined ? '' : html`<code>${check.code}</code>`} ${foreign(check.message, 1000)}
            ${check.bytes > 0 ? html`<span class="quiet">${formatSize(check.bytes)} fetched</span>` : ''}
          </p>
        </li>`,
    )}
  </ol>`;
}
