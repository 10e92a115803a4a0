/** `/upstream/NAME` and `/upstream/NAME/SUITE`: snapshots over time, looks and refusals, the indexes that are kept. */
import { html } from 'hono/html';

import {
  findSnapshot,
  indexesAt,
  listAlarms,
  listSnapshots,
  type IndexAt,
  type SnapshotView,
} from '../../../history/mod.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { formatSnapshotRef, formatSuiteRef, type SuiteRef } from '../../../model/index-history.ts';
import { isSnapshotId, snapshotTime } from '../../../model/names.ts';
import { listChecks } from '../../../sync/mod.ts';
import { followedUpstreams, type FollowedUpstream } from '../followed.ts';
import { alarmList } from '../parts/alarms.ts';
import { changesLine } from '../parts/changes.ts';
import { checkList, lastCheck } from '../parts/checks.ts';
import { address, command, empty, facts, shortHash, thousands, wide } from '../parts/common.ts';
import { foreign } from '../parts/foreign.ts';
import type { Html } from '../parts/html.ts';
import { moment } from '../parts/time.ts';
import { comparePath, indexPath, suiteRefPath, upstreamPath, withQuery } from '../path.ts';
import { suiteTable, unnamed } from './upstreams.ts';
import { queryText, type ViewContext, type ViewFunction } from './view.ts';

const snapshotsOnPage = 30;

export const upstreamView: ViewFunction = async ({ deps, params, now }) => {
  const name = params['name'] ?? '';
  const [upstream] = await followedUpstreams(deps, name);
  if (upstream === undefined) return undefined;
  const { settings } = upstream;
  const [checks, alarms] = await Promise.all([
    listChecks(deps.db, { upstream: name, limit: 20 }),
    listAlarms(deps.db, { origin: name, limit: 20 }),
  ]);
  return {
    title: `Upstream ${name}`,
    section: 'upstreams',
    isLive: true,
    body: html`<p class="crumb"><a href="/upstreams">Upstreams</a></p>
      <h1>${name} ${settings === undefined ? '' : html`<span class="sub">${address(settings.url)}</span>`}</h1>
      ${settings === undefined ? unnamed : settingFacts(settings)} ${alarmSection(alarms, now)}
      <section aria-labelledby="suites">
        <h2 id="suites">Suites</h2>
        ${suiteTable(upstream, now)}
      </section>
      <section aria-labelledby="checks">
        <h2 id="checks">Last looks</h2>
        ${checks.length === 0 ? neverLooked('It was never looked at.', name) : checkList(checks, now, { suites: true })}
      </section>`,
  };
};

function settingFacts(settings: NonNullable<FollowedUpstream['settings']>): Html {
  return facts([
    ['Components', settings.components.join(', ')],
    ['Architectures', settings.architectures.join(', ')],
    ['Sources', settings.sources ? 'followed' : 'not followed'],
    ['Contents', settings.contents ? 'followed' : 'not followed'],
    ['Translations', settings.translations.length === 0 ? 'not followed' : settings.translations.join(', ')],
    ['Release past its Valid-Until', settings.expired === 'accept' ? 'accepted' : 'refused'],
    ['Keyring', wide(html`<code>${settings.keyring}</code>`)],
  ]);
}

export const upstreamSuiteView: ViewFunction = async (context) => {
  const { deps, params, now } = context;
  const ref: SuiteRef = { origin: params['name'] ?? '', suite: params['suite'] ?? '' };
  const [upstream] = await followedUpstreams(deps, ref.origin);
  const followed = upstream?.suites.find((each) => each.suite === ref.suite);
  if (upstream === undefined || followed === undefined) return undefined;
  const [newest, snapshots, checks, alarms] = await Promise.all([
    findSnapshot(deps.db, ref),
    pageOfSnapshots(context, ref),
    listChecks(deps.db, { upstream: ref.origin, suite: ref.suite, limit: 15 }),
    listAlarms(deps.db, { origin: ref.origin, limit: 20 }),
  ]);
  const indexes = newest === undefined ? [] : await indexesAt(deps.db, newest);
  return {
    title: formatSuiteRef(ref),
    section: 'upstreams',
    isLive: true,
    body: html`<p class="crumb"><a href="${upstreamPath(ref.origin)}">${ref.origin}</a></p>
      <h1>${formatSuiteRef(ref)}</h1>
      <p class="lead">${lastCheck(followed.check, now)}</p>
      ${
        newest === undefined || followed.tracked === undefined
          ? ''
          : facts([
              [
                'Newest snapshot',
                wide(
                  html`<code>${newest.snapshotId}</code>
                    <span class="quiet">${moment(snapshotTime(newest.snapshotId), now)}</span>`,
                ),
              ],
              ['Codename', newest.codename === undefined ? undefined : foreign(newest.codename, 60)],
              ['Valid until', newest.validUntil === undefined ? 'not limited' : moment(newest.validUntil, now)],
              ['Binary packages', thousands(followed.tracked.binaries)],
              ['Source packages', thousands(followed.tracked.sources)],
              ['Snapshots kept', thousands(followed.tracked.snapshots)],
            ])
      }
      ${alarmSection(alarms, now)}
      <section aria-labelledby="snapshots">
        <h2 id="snapshots">Snapshots</h2>
        ${snapshots.items.length === 0 ? neverLooked('Nothing of it is here yet.', ref.origin) : snapshotList(snapshots.items, now)}
        ${snapshotPager(snapshots, context, ref)}
      </section>
      ${
        newest === undefined
          ? ''
          : html`<section aria-labelledby="indexes">
              <h2 id="indexes">Indexes of the newest snapshot</h2>
              ${indexTable(indexes, newest)}
            </section>`
      }
      <section aria-labelledby="checks">
        <h2 id="checks">Last looks</h2>
        ${checks.length === 0 ? neverLooked('It was never looked at.', ref.origin) : checkList(checks, now)}
      </section>`,
  };
};

type SnapshotPage = { readonly items: readonly SnapshotView[]; readonly next: string | undefined };

async function pageOfSnapshots(context: ViewContext, ref: SuiteRef): Promise<SnapshotPage> {
  const after = queryText(context, 'after');
  const rows = await listSnapshots(context.deps.db, ref, {
    ...(after !== undefined && isSnapshotId(after) ? { before: after } : {}),
    limit: snapshotsOnPage + 1,
  });
  const items = rows.slice(0, snapshotsOnPage);
  return { items, next: rows.length > snapshotsOnPage ? items.at(-1)?.snapshotId : undefined };
}

function snapshotPager(page: SnapshotPage, context: ViewContext, ref: SuiteRef): Html {
  const isFirst = queryText(context, 'after') === undefined;
  if (isFirst && page.next === undefined) return html``;
  const path = suiteRefPath(ref);
  return html`<nav class="pager" aria-label="Snapshots">
    ${isFirst ? '' : html`<a href="${path}">Newest snapshots</a>`}
    ${page.next === undefined ? '' : html`<a rel="next" href="${withQuery(path, { after: page.next })}">Older snapshots</a>`}
  </nav>`;
}

function neverLooked(title: string, upstream: string): Html {
  return empty(
    title,
    html`<p>Look for its newest version:</p>
      ${command(`sheaf upstream update ${upstream}`)}`,
  );
}

function alarmSection(alarms: Awaited<ReturnType<typeof listAlarms>>, now: Date): Html {
  if (alarms.length === 0) return html``;
  return html`<section aria-labelledby="alarms">
    <h2 id="alarms">Alarms</h2>
    <p>The same version of a package must always be the same bytes. Here it was not:</p>
    ${alarmList(alarms, now)}
  </section>`;
}

/** Snapshots from the newest on: when, what they changed, and who vouched for them. */
export function snapshotList(snapshots: readonly SnapshotView[], now: Date): Html {
  return html`<ol class="history">
    ${snapshots.map((each) => {
      const place = formatSnapshotRef(each);
      return html`<li>
        <div class="history-head">
          <h3>
            <time datetime="${snapshotTime(each.snapshotId).toISOString()}">${dayAndTime(each.snapshotId)}</time>
          </h3>
          <span class="quiet">${moment(snapshotTime(each.snapshotId), now)}</span>
          ${each.changes === undefined ? '' : html`<a href="${comparePath(undefined, place)}">What changed</a>`}
        </div>
        ${changesLine(each.changes)}
        <p class="quiet">
          ${
            each.signedBy.length === 0
              ? 'Nobody signed it.'
              : html`Signed by
                ${each.signedBy.slice(0, 4).map((key) => html`<code class="hash short" title="${foreign(key, 80)}">${foreign(key, 80)}</code> `)}`
          }
          ${each.release === undefined ? '' : html`· Release ${shortHash(each.release)}`}
        </p>
      </li>`;
    })}
  </ol>`;
}

/** `2026-09-12 07:55`, of a snapshot id. */
function dayAndTime(id: SnapshotView['snapshotId']): string {
  return snapshotTime(id).toISOString().slice(0, 16).replace('T', ' ');
}

function indexTable(indexes: readonly IndexAt[], newest: SnapshotView): Html {
  if (indexes.length === 0) return html`<p class="quiet">None.</p>`;
  return html`<table class="indexes">
    <thead>
      <tr>
        <th scope="col">Index</th>
        <th scope="col" class="number">Size</th>
        <th scope="col">Unchanged since</th>
        <th scope="col">SHA-256</th>
      </tr>
    </thead>
    <tbody>
      ${indexes.slice(0, 300).map(
        (index) =>
          html`<tr>
            <th scope="row"><a href="${indexPath(newest, index.path)}">${foreign(index.path)}</a></th>
            <td class="number since">${formatSize(index.size)}</td>
            <td class="since version">${index.since}</td>
            <td>${shortHash(index.sha256)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
