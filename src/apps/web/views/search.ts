/** `/search`: packages by name in everything that is followed, and files by path where Contents indexes are. */
import { html, raw } from 'hono/html';

import {
  findSnapshot,
  indexesAt,
  listTrackedSuites,
  locate,
  searchContents,
  searchNames,
  type TrackedSuite,
} from '../../../history/mod.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Upstream } from '../../../model/distribution.ts';
import { formatSuiteRef, type SnapshotRef } from '../../../model/index-history.ts';
import type { FoundName, NameList } from '../names.ts';
import { command, empty } from '../parts/common.ts';
import { foreign } from '../parts/foreign.ts';
import type { Html } from '../parts/html.ts';
import { viewerPath } from '../path.ts';
import type { WebDeps } from '../ports.ts';
import { notFollowed } from './binary.ts';
import { queryText, type ViewContext, type ViewFunction } from './view.ts';

const mostNames = 60;
const mostFiles = 100;
/** A shorter part of a path would match everything. */
const leastPart = 3;

const fileModes = [
  ['path', 'the whole path'],
  ['name', 'the file name'],
  ['part', 'a part of the path'],
] as const;
type FileMode = (typeof fileModes)[number][0];

export const searchView =
  (names: NameList): ViewFunction =>
  async (context) => {
    const [q, files] = [queryText(context, 'q')?.trim(), queryText(context, 'files')?.trim()];
    const mode = fileModes.find(([name]) => name === queryText(context, 'by'))?.[0] ?? 'name';
    const suites = await listTrackedSuites(context.deps.db);
    const { ref, problem } = await chosen(context, suites);
    return {
      title: q ?? files ?? 'Search',
      section: 'search',
      isLive: false,
      body: html`<h1>Search</h1>
        ${
          suites.length === 0 || ref === undefined
            ? nothingFollowed()
            : html`${nameForm(q)} ${problem === undefined ? '' : html`<p class="note">${foreign(problem, 600)}</p>`}
              ${q === undefined || q === '' ? '' : await namesFound(context, names, q)}
              ${fileForm(files, mode, suites, ref)}
              ${files === undefined || files === '' ? '' : await filesFound(context, files, mode, ref)}`
        }`,
    };
  };

function nothingFollowed(): Html {
  return empty(
    'There is nothing to search in yet.',
    html`<p>Follow an upstream, and every package that it ever has is found here:</p>
      ${command('sheaf upstream add debian http://deb.debian.org/debian --suite trixie')}
      ${command('sheaf upstream update')}`,
  );
}

type Chosen = { readonly ref: SnapshotRef | undefined; readonly problem?: string };

async function chosen(context: ViewContext, suites: readonly TrackedSuite[]): Promise<Chosen> {
  const { db, distribution } = context.deps;
  const asked = queryText(context, 'in');
  const followed: ReadonlyMap<string, Upstream> = distribution.upstreams;
  // Files can be looked for only where Contents is followed.
  const first = suites.find(({ origin }) => followed.get(origin)?.contents) ?? suites[0];
  const usual = async (): Promise<SnapshotRef | undefined> =>
    first === undefined ? undefined : ((await findSnapshot(db, first)) ?? { ...first, snapshotId: first.newest });
  if (asked === undefined) return { ref: await usual() };
  try {
    return { ref: await locate({ db, distribution }, asked) };
  } catch (error) {
    if (!(error instanceof SheafError) || error.kind !== 'usage') throw error;
    return { ref: await usual(), problem: error.message };
  }
}

function suiteSelect(id: string, suites: readonly TrackedSuite[], ref: SnapshotRef): Html {
  return html`<select id="${id}" name="in">
    ${suites.map((each) => html`<option ${raw(formatSuiteRef(each) === formatSuiteRef(ref) ? 'selected' : '')}>${formatSuiteRef(each)}</option>`)}
  </select>`;
}

function nameForm(q: string | undefined): Html {
  return html`<form class="filter" method="get" action="/search" role="search">
    <label for="q">Package name, or a part of it</label>
    <input id="q" name="q" type="search" value="${q ?? ''}" autocomplete="off" spellcheck="false" />
    <button type="submit">Search</button>
  </form>`;
}

async function namesFound({ deps }: ViewContext, names: NameList, q: string): Promise<Html> {
  const wanted = q.toLowerCase().slice(0, 100);
  if (!/^[a-z0-9+.-]+$/.test(wanted)) {
    return empty(
      'That cannot be a part of a package name.',
      html`<p>Names have lower-case letters, digits, “+”, “-” and “.”.</p>`,
    );
  }
  const [begin, inside] = await Promise.all([
    searchNames(deps.db, { prefix: wanted, limit: mostNames }),
    wanted.length < 2 ? [] : names.findInside(wanted, mostNames),
  ]);
  if (begin.length === 0 && inside.length === 0) {
    return empty(
      `No package has “${foreign(wanted, 100)}” in its name.`,
      html`<p>Everything that is followed was looked through. <a href="/upstreams">What is followed</a></p>`,
    );
  }
  return html`<section aria-labelledby="begin">
      <h2 id="begin">Names that begin so</h2>
      ${begin.length === 0 ? html`<p class="quiet">None.</p>` : nameItems(begin)}
      ${begin.length === mostNames ? html`<p class="quiet">Only the first ${mostNames} are listed.</p>` : ''}
    </section>
    ${
      inside.length === 0
        ? ''
        : html`<section aria-labelledby="inside">
            <h2 id="inside">Names with it inside</h2>
            ${nameItems(inside)}
          </section>`
    }`;
}

function nameItems(found: readonly FoundName[]): Html {
  return html`<ul class="names">
    ${found.map(
      ({ kind, name }) =>
        html`<li>
          <a href="${viewerPath({ kind, name })}">${foreign(name, 120)}</a>
          ${kind === 'source' ? html`<span class="quiet">source</span>` : ''}
        </li>`,
    )}
  </ul>`;
}

function fileForm(files: string | undefined, mode: FileMode, suites: readonly TrackedSuite[], ref: SnapshotRef): Html {
  return html`<section aria-labelledby="files-heading">
    <h2 id="files-heading">Files in packages</h2>
    <form class="filter" method="get" action="/search" role="search">
      <label for="files">File</label>
      <input id="files" name="files" type="search" value="${files ?? ''}" autocomplete="off" spellcheck="false" />
      <label for="by">is</label>
      <select id="by" name="by">
        ${fileModes.map(([name, words]) => html`<option value="${name}" ${raw(name === mode ? 'selected' : '')}>${words}</option>`)}
      </select>
      <label for="in-files">in</label>
      ${suiteSelect('in-files', suites, ref)}
      <button type="submit">Search</button>
    </form>
  </section>`;
}

async function filesFound({ deps }: ViewContext, text: string, mode: FileMode, ref: SnapshotRef): Promise<Html> {
  if (mode === 'part' && text.length < leastPart) {
    return empty(`A part of a path needs ${leastPart} characters or more.`, html`<p>Type some more of it.</p>`);
  }
  const question =
    mode === 'path' ? { path: text.replace(/^\/+/, '') } : mode === 'name' ? { name: text } : { substring: text };
  const found = await searchContents(deps.history, ref, { ...question, limit: mostFiles });
  if (found.length === 0 && !(await followsContents(deps, ref))) return notFollowed(ref.origin);
  if (found.length === 0)
    return empty('No package of that suite has such a file.', html`<p>Try a part of its path.</p>`);
  const place = formatSuiteRef(ref);
  return html`<table class="found">
      <thead>
        <tr>
          <th scope="col">File</th>
          <th scope="col">Packages</th>
        </tr>
      </thead>
      <tbody>
        ${found.map(
          ({ path, packages }) =>
            html`<tr>
              <td class="path">/${foreign(path, 500)}</td>
              <td>
                ${packages.slice(0, 20).map((each) => html`<a href="${viewerPath({ kind: 'binary', name: each.slice(each.lastIndexOf('/') + 1), in: place })}">${foreign(each, 120)}</a> `)}
                ${packages.length > 20 ? html`<span class="quiet">and ${packages.length - 20} more</span>` : ''}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${found.length === mostFiles ? html`<p class="quiet">Only the first ${mostFiles} are listed.</p>` : ''}`;
}

async function followsContents({ db }: WebDeps, ref: SnapshotRef): Promise<boolean> {
  return (await indexesAt(db, ref)).some(({ kind }) => kind === 'contents');
}
