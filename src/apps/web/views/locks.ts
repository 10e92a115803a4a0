/** `/locks`: the environments that the newest builds had. */
import { html } from 'hono/html';

import { formatSize } from '../../../kit/bytes.ts';
import { SheafError } from '../../../kit/error.ts';
import { listLocks, type LockUse } from '../../../tracker/mod.ts';
import { empty, pager, shortHash, thousands } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment } from '../parts/time.ts';
import { jobPath, lockPath, packagePath } from '../path.ts';
import { downloadSize, readLock } from './lock/read.ts';
import { queryText, type ViewContext, type ViewFunction } from './view.ts';

const onPage = 25;

type Row = LockUse & { readonly packages?: number; readonly bytes?: number };

export const locksView: ViewFunction = async (context) => {
  const { deps, now } = context;
  const after = queryText(context, 'after');
  const page = await listLocks(deps.db, { after, limit: onPage });
  const rows: Row[] = [];
  for (const use of page.items) rows.push({ ...use, ...(await sizeOf(context, use.sha256)) });
  return {
    title: 'Locks',
    section: 'jobs',
    isLive: false,
    body: html`<h1>Locks <span class="sub">The exact environments that builds had</span></h1>
      ${
        rows.length === 0
          ? empty('No build had an environment yet.', html`<p>They come with the first <a href="/jobs">job</a>.</p>`)
          : lockTable(rows, now)
      }
      ${pager(page, '/locks', { after })}`,
  };
};

/** Nothing where the file is not here, or is none. */
async function sizeOf({ deps }: ViewContext, sha256: string): Promise<Partial<Row>> {
  try {
    const lock = await readLock(deps, sha256);
    return lock === undefined ? {} : { packages: lock.packages.length, bytes: downloadSize(lock) };
  } catch (error) {
    if (error instanceof SheafError) return {};
    throw error;
  }
}

function lockTable(rows: readonly Row[], now: Date): Html {
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
            <td class="number">${row.bytes === undefined ? '–' : formatSize(row.bytes)}</td>
            <td class="number">${thousands(row.jobs)} ${row.jobs === 1 ? 'job' : 'jobs'}</td>
            <td class="quiet since">${moment(row.usedAt, now)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
