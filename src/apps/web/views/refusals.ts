/** `/refusals`: what was not admitted, with all reasons. */
import { html } from 'hono/html';

import { listRefusals, type TagBuildView } from '../../../tracker/mod.ts';
import { empty, pager } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment } from '../parts/time.ts';
import { refusalList } from '../parts/timeline.ts';
import { suitePath, tagBuildPath } from '../path.ts';
import { queryText, type ViewFunction } from './view.ts';

export const refusalsView: ViewFunction = async (context) => {
  const after = queryText(context, 'after');
  const page = await listRefusals(context.deps.db, { after, limit: 25 });
  return {
    title: 'Refusals',
    section: 'refusals',
    isLive: true,
    body: html`<h1>Refusals</h1>
      ${
        page.items.length === 0
          ? empty(
              'Nothing was refused.',
              html`<p>
                A tag that is not admitted appears here with every reason at once and the way out of each. People are
                told by the notifiers in <code>sheaf.toml</code> too.
              </p>`,
            )
          : html`<ul class="cards">
              ${page.items.map((item) => refusalCard(item, context.now))}
            </ul>`
      }
      ${pager(page, '/refusals', { after })}`,
  };
};

function refusalCard(item: TagBuildView, now: Date): Html {
  return html`<li class="card">
    <h2>
      <a href="${tagBuildPath(item.id)}">${item.tag}</a>
      <span class="to">for <a href="${suitePath(item.suite)}">${item.suite}</a></span>
    </h2>
    <p class="quiet">
      <span class="address">${item.repository}</span> ${moment(item.judgedAt ?? item.receivedAt, now)}${
        item.repeats === 0 ? '' : `, sent again ${item.repeats === 1 ? 'once' : `${item.repeats} times`}`
      }
    </p>
    ${refusalList(item.refusals)}
  </li>`;
}
