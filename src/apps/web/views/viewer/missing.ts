/** A name that no index ever had: who provides it, and names that begin alike. */
import { html } from 'hono/html';

import { listTrackedSuites, relationsTo, searchNames } from '../../../../history/mod.ts';
import { formatSuiteRef } from '../../../../model/index-history.ts';
import { isPackageName } from '../../../../model/names.ts';
import { command, empty } from '../../parts/common.ts';
import { foreign } from '../../parts/foreign.ts';
import type { Html } from '../../parts/html.ts';
import { viewerPath, withQuery } from '../../path.ts';
import type { View, ViewContext } from '../view.ts';
import type { Kind } from './choice.ts';

const mostSuites = 6;

export async function missingView(context: ViewContext, kind: Kind, name: string): Promise<View> {
  const { db } = context.deps;
  const tracked = await listTrackedSuites(db);
  const [alike, providers] = await Promise.all([
    suggestions(context, name),
    kind === 'binary' && isPackageName(name)
      ? Promise.all(
          tracked.slice(0, mostSuites).map(async (suite) => {
            const ref = { ...suite, snapshotId: suite.newest };
            const { items } = await relationsTo(db, { target: name, ref, limit: 200 });
            const found = items.filter(({ field }) => field === 'Provides').map(({ entry }) => entry.name);
            return { place: formatSuiteRef(suite), names: [...new Set(found)] };
          }),
        ).then((all) => all.filter(({ names }) => names.length > 0))
      : [],
  ]);
  const shown = foreign(name, 120);
  const isVirtual = providers.length > 0;
  return {
    title: isVirtual ? shown : 'No such package',
    section: 'search',
    isLive: false,
    status: isVirtual ? 200 : 404,
    body: html`<p class="crumb"><a href="/search">Search</a></p>
      <h1>${shown} ${isVirtual ? html`<span class="sub">A name that other packages provide</span>` : ''}</h1>
      ${isVirtual ? providers.map(({ place, names }) => provided(place, names)) : nothing(kind, shown, tracked.length)}
      ${alike}`,
  };
}

function provided(place: string, names: readonly string[]): Html {
  return html`<section>
    <h2>Provided in ${place} by</h2>
    <ul class="names">
      ${names.map((each) => html`<li><a href="${viewerPath({ kind: 'binary', name: each, in: place })}">${foreign(each, 120)}</a></li>`)}
    </ul>
  </section>`;
}

function nothing(kind: Kind, name: string, suites: number): Html {
  if (suites > 0) {
    return empty(
      `No suite that is followed ever had a ${kind} package ${name}.`,
      html`<p><a href="${withQuery('/search', { q: name.slice(0, 100) })}">Search for parts of the name</a></p>`,
    );
  }
  return empty(
    'No index of packages is here yet.',
    html`<p>Follow an upstream, or publish a suite:</p>
      ${command('sheaf upstream add debian http://deb.debian.org/debian --suite trixie')}`,
  );
}

/** Names with the same beginning; a shorter one when there is none. */
async function suggestions({ deps }: ViewContext, name: string): Promise<Html> {
  const wanted = name.toLowerCase().slice(0, 60);
  for (const length of [wanted.length, Math.ceil(wanted.length * 0.7), Math.ceil(wanted.length / 2)]) {
    const prefix = wanted.slice(0, length);
    if (!/^[a-z0-9][a-z0-9+.-]*$/.test(prefix)) continue;
    const found = await searchNames(deps.db, { prefix, limit: 12 });
    if (found.length === 0) continue;
    return html`<section aria-labelledby="alike">
      <h2 id="alike">Names that begin alike</h2>
      <ul class="names">
        ${found.map((each) => html`<li><a href="${viewerPath(each)}">${foreign(each.name, 120)}</a>${each.kind === 'source' ? html` <span class="quiet">source</span>` : ''}</li>`)}
      </ul>
    </section>`;
  }
  return html``;
}
