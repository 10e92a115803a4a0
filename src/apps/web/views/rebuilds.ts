/** `/rebuilds`: how much was reproduced, what keeps the rest from it, and the verdict on every published file. */
import { html, raw } from 'hono/html';

import { causeKinds, verdicts, type Verdict } from '../../../model/rebuild.ts';
import {
  believedRebuilders,
  countPlaces,
  countTasks,
  countsOverTime,
  describeRebuilders,
  describeWhy,
  listStatuses,
  listTasks,
  openCounts,
  reportCauses,
  viewStatuses,
  type PlaceCounts,
  type RebuildReport,
  type RebuildTask,
  type RebuiltFileView,
  type TaskCounts,
} from '../../../rebuild/mod.ts';
import { chip } from '../parts/chip.ts';
import { empty, pager, thousands } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment } from '../parts/time.ts';
import { share, sumOf, verdictBar, verdictPlot } from '../parts/verdicts.ts';
import { rebuildPath, viewerPath, withQuery } from '../path.ts';
import { queryText, type ViewContext, type ViewFunction } from './view.ts';

const pageSize = 50;
const mostWaiting = 10;

export const rebuildsView: ViewFunction = async (context) => {
  const { deps, now } = context;
  const { db, distribution } = deps;
  const filters = filtersOf(context);
  const after = queryText(context, 'after');
  const believed = believedRebuilders(distribution);
  const { place, architecture } = filters;
  const [places, rows, causes, waiting, counts] = await Promise.all([
    countPlaces(db, [...distribution.suites.keys()], believed),
    listStatuses(db, filters, believed, { after, limit: pageSize + 1 }),
    reportCauses(db, { place, architecture }, believed),
    listTasks(db, { suite: place, architecture }, mostWaiting),
    countTasks(db),
  ]);
  const plotted = place ?? mostRebuilt(places);
  const points = plotted === undefined ? [] : await countsOverTime(db, { place: plotted, architecture }, believed, now);
  const items = await viewStatuses(db, rows.slice(0, pageSize), believed);
  const page = { items, next: rows.length > pageSize ? rows[pageSize - 1]!.key : undefined };
  const isFiltered = Object.values(filters).some((each) => each !== undefined);
  return {
    title: 'Rebuilds',
    section: 'rebuilds',
    isLive: true,
    body: html`<h1>Rebuilds</h1>
      ${waitingSection(waiting, place === undefined ? [...counts.values()] : [counts.get(place) ?? []].flat(), now)}
      ${placeTable(places, place)}
      ${
        points.length === 0
          ? ''
          : html`<section aria-labelledby="over-time">
              <h2 id="over-time">Rebuilt files of ${plotted} over time</h2>
              ${verdictPlot(points, now)}
            </section>`
      }
      ${causeTable(causes, filters)}
      <section aria-labelledby="files">
        <h2 id="files">Published files</h2>
        ${filterForm(filters, places)}
        ${
          items.length === 0
            ? isFiltered
              ? empty('No such rebuild.', html`<p><a href="/rebuilds">Show all rebuilds</a></p>`)
              : empty('Nothing was rebuilt yet.', html`<p>Rebuild a package: <code>sheaf rebuild run</code></p>`)
            : fileTable(items, now)
        }
        ${pager(page, '/rebuilds', { ...filters, disputed: filters.disputed === true ? 'true' : undefined, after })}
      </section>`,
  };
};

/** The first of those that workers are still to make, and how many there are. */
function waitingSection(tasks: readonly RebuildTask[], counts: readonly TaskCounts[], now: Date): Html {
  if (tasks.length === 0) return html``;
  const sum = (state: keyof TaskCounts) => counts.reduce((total, each) => total + each[state], 0);
  return html`<section aria-labelledby="waiting">
    <h2 id="waiting">Being made and waiting</h2>
    <p>
      ${thousands(sum('running'))} being made, ${thousands(sum('waiting'))}
      waiting${tasks.length < sum('running') + sum('waiting') ? html`; the first ${tasks.length} of those shown here` : ''}.
    </p>
    <table class="rebuilds">
      <thead>
        <tr>
          <th scope="col">Package</th>
          <th scope="col">State</th>
          <th scope="col">Architecture</th>
          <th scope="col">Place</th>
          <th scope="col">Why</th>
          <th scope="col">Asked for</th>
        </tr>
      </thead>
      <tbody>
        ${tasks.map(
          (task) =>
            html`<tr>
              <th scope="row" class="package">${task.source} <span class="version">${task.version}</span></th>
              <td>${chip(task.state)}</td>
              <td>${task.architecture}</td>
              <td>${task.suite}</td>
              <td class="why">${task.reason}</td>
              <td class="since"><span class="quiet">by ${task.askedBy}, ${moment(task.askedAt, now)}</span></td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

type Filters = ReturnType<typeof filtersOf>;

function filtersOf(context: ViewContext) {
  const [place, architecture, contains] = ['place', 'architecture', 'contains'].map((name) => queryText(context, name));
  return {
    verdict: verdicts.find((each) => each === queryText(context, 'verdict')),
    cause: causeKinds.find((each) => each === queryText(context, 'cause')),
    ...{ place, architecture, contains },
    disputed: queryText(context, 'disputed') === 'true' ? true : undefined,
  };
}

function mostRebuilt(places: readonly PlaceCounts[]): string | undefined {
  const rebuilt = ({ counts }: PlaceCounts) => sumOf(counts) - counts.unknown;
  return places.toSorted((a, b) => rebuilt(b) - rebuilt(a))[0]?.place;
}

function placeTable(places: readonly PlaceCounts[], shown: string | undefined): Html {
  if (places.length === 0) return html``;
  return html`<table class="rebuild-places">
    <thead>
      <tr>
        <th scope="col">Place</th>
        <th scope="col">Architecture</th>
        <th scope="col" class="number">Reproduced</th>
        <th scope="col"><span class="visually-hidden">Shares</span></th>
        <th scope="col">Files</th>
      </tr>
    </thead>
    <tbody>
      ${places.map(
        ({ place, architecture, counts }) =>
          html`<tr>
            <th scope="row">
              <a href="${withQuery('/rebuilds', { place })}" ${raw(place === shown ? 'aria-current="true"' : '')}
                >${place}</a
              >
            </th>
            <td>${architecture}</td>
            <td class="number">${share(counts)}</td>
            <td class="shares">${verdictBar(counts)}</td>
            <td class="why">
              ${verdicts
                .filter((verdict) => counts[verdict] > 0)
                .map(
                  (verdict, index) =>
                    html`${index === 0 ? '' : ', '}${countOf(verdict, counts[verdict], { place, architecture })}`,
                )}
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Of what nobody has rebuilt there is no list. */
function countOf(
  verdict: Verdict,
  count: number,
  where: { readonly place: string; readonly architecture: string },
): Html {
  const words = `${thousands(count)} ${verdict}`;
  return verdict === 'unknown'
    ? html`${words}`
    : html`<a href="${withQuery('/rebuilds', { ...where, verdict })}#files">${words}</a>`;
}

function causeTable(
  report: Pick<RebuildReport, 'causes' | 'unexplained' | 'partly'>,
  { place, architecture }: Filters,
): Html {
  const [{ causes }, open] = [report, openCounts(report)];
  if (causes.length + open.length === 0) return html``;
  return html`<section aria-labelledby="causes">
    <h2 id="causes">What would make packages reproducible</h2>
    <table class="rebuild-causes">
      <thead>
        <tr>
          <th scope="col">Cause</th>
          <th scope="col" class="number">Packages</th>
          <th scope="col" class="number">With nothing else</th>
        </tr>
      </thead>
      <tbody>
        ${causes.map(
          ({ kind, packages, alone }) =>
            html`<tr>
              <th scope="row">
                <a href="${withQuery('/rebuilds', { place, architecture, cause: kind })}#files">${kind}</a>
              </th>
              <td class="number">${packagesOf(packages)}</td>
              <td class="number">${thousands(alone)} by it alone</td>
            </tr>`,
        )}
        ${open.map(
          ({ kind, packages }) =>
            html`<tr>
              <th scope="row">${kind}</th>
              <td class="number">${packagesOf(packages)}</td>
              <td></td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

const packagesOf = (count: number) => `${thousands(count)} ${count === 1 ? 'package' : 'packages'}`;

function filterForm(filters: Filters, places: readonly PlaceCounts[]): Html {
  const select = (name: string, label: string, values: readonly string[], chosen: string | undefined) =>
    html`<span class="pair">
      <label for="${name}">${label}</label>
      <select id="${name}" name="${name}">
        <option value="">any</option>
        ${values.map((each) => html`<option ${raw(each === chosen ? 'selected' : '')}>${each}</option>`)}
      </select>
    </span>`;
  const namesOf = (name: 'place' | 'architecture') => [...new Set(places.map((each) => each[name]))].toSorted();
  return html`<form class="filter" method="get" action="/rebuilds">
    ${select('verdict', 'Verdict', verdicts, filters.verdict)} ${select('cause', 'Cause', causeKinds, filters.cause)}
    ${select('place', 'Place', namesOf('place'), filters.place)}
    ${select('architecture', 'Architecture', namesOf('architecture'), filters.architecture)}
    <span class="pair">
      <label for="contains">Package</label>
      <input
        id="contains"
        name="contains"
        type="search"
        value="${filters.contains ?? ''}"
        autocomplete="off"
        spellcheck="false"
    /></span>
    <span class="pair">
      <input
        id="disputed"
        name="disputed"
        type="checkbox"
        value="true"
        ${raw(filters.disputed === true ? 'checked' : '')}
      />
      <label for="disputed">Rebuilders disagree</label>
    </span>
    <button type="submit">Show</button>
  </form>`;
}

function fileTable(files: readonly RebuiltFileView[], now: Date): Html {
  return html`<table class="rebuilds">
    <thead>
      <tr>
        <th scope="col">Package</th>
        <th scope="col">Verdict</th>
        <th scope="col">Architecture</th>
        <th scope="col">Place</th>
        <th scope="col">Why</th>
        <th scope="col">Rebuild</th>
      </tr>
    </thead>
    <tbody>
      ${files.map(
        (file) =>
          html`<tr>
            <th scope="row" class="package">
              <a href="${viewerPath({ kind: 'binary', name: file.name, in: file.place })}">${file.name}</a>
              <span class="version">${file.version}</span>
            </th>
            <td>${chip(file.verdict)}</td>
            <td>${file.architecture}</td>
            <td>${file.place ?? ''}</td>
            <td class="why">${describeWhy(file) ?? ''}</td>
            <td class="since">
              <a href="${rebuildPath(file.rebuild)}">${file.rebuild}</a>
              <span class="quiet">by ${describeRebuilders(file)}, ${moment(file.finishedAt, now)}</span>
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
