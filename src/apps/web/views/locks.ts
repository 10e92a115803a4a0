/** `/locks`: the environments that the newest builds had. */
import { html } from 'hono/html';

import { formatSize } from '../../../kit/bytes.ts';
import { listKeptLocks, type KeptLock } from '../../kept-locks.ts';
import { empty, pager, shortHash, thousands } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment } from '../parts/time.ts';
import { jobPath, lockPath, packagePath } from '../path.ts';
import { queryText, type ViewFunction } from './view.ts';

const onPage = 25;

export const locksView: ViewFunction = async (context) => {
  const { deps, now } = context;
  const after = queryText(context, 'after');
  const page = await listKeptLocks(deps, { after, limit: onPage });
  return {
    title: 'Locks',
    section: 'jobs',
    isLive: false,
    body: html`<h1>Locks <span class="sub">The exact environments that builds had</span></h1>
      ${
        page.items.length === 0
          ? empty('No build had an environment yet.', html`<p>They come with the first <a href="/jobs">job</a>.</p>`)
          : lockTable(page.items, now)
      }
      ${pager(page, '/locks', { after })}`,
  };
};

function lockTable(rows: readonly KeptLock[], now: Date): Html {
  return html`<table class="locks">
    <thead>
      <tr>
        <th scope="col">Lock</th>
        <th scope="col">Last for</th>
        <th scope="col">Architecture</th>
        <th scope="col" class="number">Contents</th>
        <th scope="col" class="number">Download</th>
        <th scope="col" class="number">Used by</th>
        <th scope="col">Last used</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            <th scope="row"><a href="${lockPath(row.sha256)}">${shortHash(row.sha256)}</a></th>
            <td>
              <a href="${packagePath(row.source)}">${row.source}</a> <span class="version">${row.version}</span>
              <a class="quiet" href="${jobPath(row.job)}">job ${row.job}</a>
            </td>
            <td>${row.architecture}</td>
            <td class="number">${row.packages === undefined ? '–' : `${thousands(row.packages)} packages`}</td>
            <td class="number">${row.size === undefined ? '–' : formatSize(row.size)}</td>
            <td class="number">${thousands(row.jobs)} ${row.jobs === 1 ? 'job' : 'jobs'}</td>
            <td class="quiet since">${moment(row.usedAt, now)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
