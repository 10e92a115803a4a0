/** `/suites` and `/suite/NAME`: what is in them, and every snapshot. */
import { html } from 'hono/html';

import {
  listSnapshots,
  listSuitePackages,
  listSuites,
  type SnapshotView,
  type SuitePackageView,
  type SuiteView,
} from '../../../tracker/mod.ts';
import { chip } from '../parts/chip.ts';
import { command, empty, facts, hash, pager } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment } from '../parts/time.ts';
import { comparePath, packagePath, repositoryPath, snapshotPath, suitePath } from '../path.ts';
import { queryText, type ViewFunction } from './view.ts';

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
  const { deps, now } = context;
  const name = context.params['name'] ?? '';
  const known = [...deps.distribution.suites.values()].filter((suite) => suite.name === name);
  const [suite] = await listSuites(deps.db, known, now);
  if (suite === undefined) return undefined;
  const [after, before] = [queryText(context, 'after'), queryText(context, 'snapshots')];
  const [packages, snapshots] = await Promise.all([
    listSuitePackages(deps.db, name, { after }),
    listSnapshots(deps.db, name, { after: before, limit: 10 }),
  ]);
  return {
    title: `Suite ${name}`,
    section: 'suites',
    isLive: true,
    body: html`<p class="crumb"><a href="/suites">Suites</a></p>
      <h1>${suite.name} <span class="sub">${suite.description}</span></h1>
      <p class="lead">${suite.frozen ? chip('frozen') : ''} ${suite.sentence}</p>
      ${facts([
        ['Repository', html`<a href="${repositoryPath(suite.repository)}">${suite.repository}</a>`],
        ['Codename', suite.codename],
        ['Architectures', suite.architectures.join(', ')],
        ['Components', suite.components.join(', ')],
        ['Build dependencies from', suite.upstream],
        ['Packages', `${suite.sources} source, ${suite.binaries} binary`],
        ['Release valid until', suite.snapshot === undefined ? undefined : moment(suite.snapshot.validUntil, now)],
      ])}
      <section aria-labelledby="packages">
        <h2 id="packages">Packages in it</h2>
        ${packages.items.length === 0 ? noPackages(suite) : packageTable(packages.items, suite, now)}
        ${pager(packages, suitePath(name), { after, snapshots: before })}
      </section>
      <section aria-labelledby="snapshots">
        <h2 id="snapshots">Snapshots</h2>
        ${snapshots.items.length === 0 ? noSnapshots(suite) : snapshotTable(snapshots.items, now)}
        ${
          snapshots.next === undefined
            ? ''
            : html`<nav class="pager" aria-label="Snapshots">
                <a href="${suitePath(name)}?snapshots=${snapshots.next}#snapshots">Older snapshots</a>
              </nav>`
        }
      </section>`,
  };
};

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

function snapshotTable(snapshots: readonly SnapshotView[], now: Date): Html {
  return html`<p class="quiet">Each is kept for ever under its own base URL.</p>
    <table class="snapshots">
      <thead>
        <tr>
          <th scope="col">Snapshot</th>
          <th scope="col">Id</th>
          <th scope="col" class="number">Packages</th>
          <th scope="col">Published</th>
          <th scope="col">Compared</th>
          <th scope="col">InRelease</th>
        </tr>
      </thead>
      <tbody>
        ${snapshots.map(
          (each) =>
            html`<tr>
              <th scope="row"><a href="${snapshotPath(each.suite, each.number)}">${each.suite}@${each.number}</a></th>
              <td class="version">${each.id}</td>
              <td class="number">${each.packages}</td>
              <td class="quiet since">${moment(each.createdAt, now)}</td>
              <td>
                ${each.number === 1 ? '' : html`<a href="${comparePath(undefined, `${each.suite}@${each.number}`)}">what changed</a>`}
              </td>
              <td>${each.inRelease === undefined ? '' : hash(each.inRelease)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`;
}
