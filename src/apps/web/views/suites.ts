/** `/suites` and `/suite/NAME`: what is in them, and every snapshot. */
import { html } from 'hono/html';

import {
  listEvents,
  listSnapshots,
  listSuitePackages,
  listSuites,
  type SuitePackageView,
  type SuiteView,
} from '../../../tracker/mod.ts';
import { chip } from '../parts/chip.ts';
import { command, empty, facts, pager } from '../parts/common.ts';
import { eventList } from '../parts/events.ts';
import { foreign } from '../parts/foreign.ts';
import type { Html } from '../parts/html.ts';
import { whatIsMissing } from '../parts/manage.ts';
import { moment } from '../parts/time.ts';
import { packagePath, repositoryPath, suiteActionPath, suitePath, withQuery } from '../path.ts';
import { readRecorded, snapshotTimeline } from './suite/snapshots.ts';
import { queryText, type ViewFunction } from './view.ts';

const snapshotsOnPage = 8;

export const suitesView: ViewFunction = async ({ deps, now }) => {
  const suites = await listSuites(deps.db, deps.distribution.suites.values(), now);
  return {
    title: 'Suites',
    section: 'suites',
    isLive: true,
    body: html`<h1>Suites</h1>
      ${
        suites.length === 0
          ? empty(
              'No suite is set up.',
              html`<p>Add a <code>[suites.NAME]</code> table to <code>sheaf.toml</code>.</p>`,
            )
          : html`<ul class="cards">
              ${suites.map((suite) => suiteCard(suite, now))}
            </ul>`
      }`,
  };
};

function suiteCard(suite: SuiteView, now: Date): Html {
  return html`<li class="card">
    <h2><a href="${suitePath(suite.name)}">${suite.name}</a> ${suite.frozen ? chip('frozen') : ''}</h2>
    <p>${suite.description}</p>
    ${frozenBy(suite, now)}
    <p>
      ${suite.sentence}
      ${suite.snapshot === undefined ? '' : html`<span class="quiet">${moment(suite.snapshot.createdAt, now)}</span>`}
    </p>
    <p class="quiet">
      ${suite.sources} source and ${suite.binaries} binary packages · ${suite.architectures.join(', ')} ·
      <a href="${repositoryPath(suite.repository)}">install from ${suite.repository}</a>
    </p>
  </li>`;
}

export const suiteView: ViewFunction = async (context) => {
  const { deps, now, visitor } = context;
  const name = context.params['name'] ?? '';
  const known = [...deps.distribution.suites.values()].filter((suite) => suite.name === name);
  const [suite] = await listSuites(deps.db, known, now);
  if (suite === undefined) return formerSuite(context, name);
  const [after, before] = [queryText(context, 'after'), queryText(context, 'snapshots')];
  const [packages, snapshots, actions] = await Promise.all([
    listSuitePackages(deps.db, suite, { after }),
    listSnapshots(deps.db, name, { after: before, limit: snapshotsOnPage }),
    listEvents(deps.db, { suite: name, actor: '*' }, { limit: 5 }),
  ]);
  const recorded = await readRecorded(deps.db, name, snapshots.items);
  const missing = whatIsMissing(deps.distribution, name, visitor);
  const isFirst = after === undefined && before === undefined;
  return {
    title: `Suite ${name}`,
    section: 'suites',
    isLive: true,
    body: html`<p class="crumb"><a href="/suites">Suites</a></p>
      <h1>${suite.name} <span class="sub">${suite.description}</span></h1>
      <p class="lead">${suite.frozen ? chip('frozen') : ''} ${suite.sentence}</p>
      ${frozenBy(suite, now)} ${missing ?? manageLinks(suite)}
      ${facts([
        ['Repository', html`<a href="${repositoryPath(suite.repository)}">${suite.repository}</a>`],
        ['Codename', suite.codename],
        ['Architectures', suite.architectures.join(', ')],
        ['Components', suite.components.join(', ')],
        ['Build dependencies from', suite.upstream],
        ['Packages', `${suite.sources} source, ${suite.binaries} binary`],
        ['Release valid until', suite.snapshot === undefined ? undefined : moment(suite.snapshot.validUntil, now)],
      ])}
      <section aria-labelledby="snapshots">
        <h2 id="snapshots">Snapshots</h2>
        ${
          snapshots.items.length === 0
            ? noSnapshots(suite)
            : snapshotTimeline(snapshots.items, recorded, {
                newest: suite.snapshot?.number ?? 0,
                mayRollBack: missing === undefined && !suite.frozen,
                now,
              })
        }
        ${snapshotPager(name, before, snapshots.next)}
      </section>
      ${
        actions.items.length === 0 || !isFirst
          ? ''
          : html`<section aria-labelledby="actions">
              <h2 id="actions">What people did here</h2>
              ${eventList(actions.items, now)}
              <p><a href="${withQuery('/audit', { suite: name })}">All of it</a></p>
            </section>`
      }
      <section aria-labelledby="packages">
        <h2 id="packages">Packages in it</h2>
        ${packages.items.length === 0 ? noPackages(suite) : packageTable(packages.items, suite, now)}
        ${pager(packages, suitePath(name), { after, snapshots: before })}
      </section>`,
  };
};

/** One that sheaf.toml names no more: pages of what was released into it lead here. */
async function formerSuite(context: Parameters<ViewFunction>[0], name: string): ReturnType<ViewFunction> {
  const { deps, now } = context;
  const before = queryText(context, 'snapshots');
  const snapshots = await listSnapshots(deps.db, name, { after: before, limit: snapshotsOnPage });
  if (snapshots.items.length === 0) return undefined;
  const recorded = await readRecorded(deps.db, name, snapshots.items);
  return {
    title: `Suite ${name}`,
    section: 'suites',
    isLive: false,
    body: html`<p class="crumb"><a href="/suites">Suites</a></p>
      <h1>${name}</h1>
      <p class="lead">sheaf.toml does not name it any more: it is neither published nor renewed.</p>
      <section aria-labelledby="snapshots">
        <h2 id="snapshots">Snapshots</h2>
        ${snapshotTimeline(snapshots.items, recorded, { newest: 0, mayRollBack: false, now })}
        ${snapshotPager(name, before, snapshots.next)}
      </section>`,
  };
}

/** Who has frozen it, when it was a person. */
function frozenBy({ frozen, freeze }: SuiteView, now: Date): Html {
  if (freeze === undefined) {
    return frozen ? html`<p class="note">Frozen by <code>sheaf.toml</code>.</p>` : html``;
  }
  return html`<p class="note">
    Frozen by ${foreign(freeze.by, 100)}
    ${moment(freeze.since, now)}${freeze.reason === undefined ? '' : html`: ${foreign(freeze.reason, 1000)}`}
  </p>`;
}

function manageLinks({ name, frozen }: SuiteView): Html {
  const links = [
    ['publish', 'Publish now'],
    ...(frozen ? [] : [['copy', 'Copy packages into it'] as const]),
    frozen ? ['thaw', 'Thaw'] : ['freeze', 'Freeze'],
  ] as const;
  return html`<ul class="buttons">
    ${links.map(([action, label]) => html`<li><a class="button" href="${suiteActionPath(name, action)}">${label}</a></li>`)}
  </ul>`;
}

function snapshotPager(suite: string, before: string | undefined, next: string | undefined): Html {
  if (before === undefined && next === undefined) return html``;
  return html`<nav class="pager" aria-label="Snapshots">
    ${before === undefined ? '' : html`<a href="${suitePath(suite)}#snapshots">Newest snapshots</a>`}
    ${next === undefined ? '' : html`<a rel="next" href="${withQuery(suitePath(suite), { snapshots: next })}#snapshots">Older snapshots</a>`}
  </nav>`;
}

function noPackages(suite: SuiteView): Html {
  return empty(
    'Nothing is in it yet.',
    html`<p>A package enters with a signed tag that somebody may release into ${suite.name}:</p>
      ${command(`sheaf intake tag REPOSITORY TAG --suite ${suite.name}`)}`,
  );
}

function noSnapshots(suite: SuiteView): Html {
  return empty(
    'It was never published.',
    html`<p>It is published by itself with its first package, or now, empty:</p>
      ${command(`sheaf suite publish ${suite.name}`)}`,
  );
}

function packageTable(packages: readonly SuitePackageView[], suite: SuiteView, now: Date): Html {
  return html`<table class="suite-packages">
    <thead>
      <tr>
        <th scope="col">Source</th>
        <th scope="col">Version</th>
        <th scope="col">Binary packages</th>
        <th scope="col">Since</th>
      </tr>
    </thead>
    <tbody>
      ${packages.map(
        (each) =>
          html`<tr>
            <th scope="row">
              <a href="${packagePath(each.name)}">${each.name}</a> ${each.state === 'PENDING' ? chip('PENDING') : ''}
            </th>
            <td class="version">${each.version}</td>
            <td class="binaries">
              ${each.binaries.map((binary) => html`<span title="${binary.sha256}">${binary.name}<span class="quiet">:${binary.architecture}</span></span> `)}
            </td>
            <td class="quiet since">
              ${each.firstSnapshot === undefined ? '' : `${suite.name}@${each.firstSnapshot} `}${moment(each.publishedAt, now)}
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
