/** `/audit`: what people did, and why; nothing of it is ever changed. */
import { html } from 'hono/html';

import { listEvents } from '../../../tracker/mod.ts';
import { empty, pager } from '../parts/common.ts';
import { foreign } from '../parts/foreign.ts';
import { eventList } from '../parts/events.ts';
import { queryText, type ViewFunction } from './view.ts';

export const auditView: ViewFunction = async (context) => {
  const { deps, now } = context;
  const [suite, by, after] = [queryText(context, 'suite'), queryText(context, 'by'), queryText(context, 'after')];
  const events = await listEvents(deps.db, { suite, actor: by ?? '*' }, { after, limit: 50 });
  const suites = [...deps.distribution.suites.keys()];
  return {
    title: 'What people did',
    section: undefined,
    isLive: true,
    body: html`<h1>What people did <span class="sub">Every action of a person, and the reason that was given</span></h1>
      <form class="filter" method="get" action="/audit">
        <label>
          Suite
          <select name="suite">
            <option value="">all</option>
            ${suites.map((name) => (name === suite ? html`<option value="${name}" selected>${name}</option>` : html`<option value="${name}">${name}</option>`))}
          </select>
        </label>
        <label>
          Who
          <input name="by" type="search" value="${by ?? ''}" size="18" maxlength="200" autocomplete="off" />
        </label>
        <button type="submit">Show</button>
      </form>
      ${
        events.items.length === 0
          ? empty(
              suite === undefined && by === undefined ? 'Nobody did anything yet.' : 'Nothing of this kind.',
              html`<p>
                Publishing, rolling back, copying, freezing, and decisions about NEW are listed
                here${by === undefined ? '' : html`, by ${foreign(by)}`}.
              </p>`,
            )
          : eventList(events.items, now)
      }
      ${pager(events, '/audit', { suite, by, after })}`,
  };
};
