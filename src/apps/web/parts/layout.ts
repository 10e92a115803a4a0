/** The frame around every page. */
import { html, raw } from 'hono/html';

import type { Distribution } from '../../../model/distribution.ts';
import type { Visitor } from '../manage/visitor.ts';
import { repositoryPath } from '../path.ts';
import { assetPath } from '../static.ts';
import type { Html } from './html.ts';

export type Section =
  | 'overview'
  | 'packages'
  | 'jobs'
  | 'rebuilds'
  | 'refusals'
  | 'suites'
  | 'new'
  | 'upstreams'
  | 'compare'
  | 'search'
  | 'workers'
  | undefined;

export type Frame = {
  readonly title: string;
  readonly section: Section;
  readonly body: Html;
  /** The address that this page's main part comes from again when something changes. */
  readonly live: string | undefined;
  /** Who has signed in. */
  readonly visitor: Pick<Visitor, 'person' | 'formToken'> | undefined;
};

const sections = [
  ['overview', '/', 'Overview'],
  ['packages', '/packages', 'Packages'],
  ['jobs', '/jobs', 'Jobs'],
  ['rebuilds', '/rebuilds', 'Rebuilds'],
  ['refusals', '/refusals', 'Refusals'],
  ['suites', '/suites', 'Suites'],
  ['new', '/new', 'NEW'],
  ['upstreams', '/upstreams', 'Upstreams'],
  ['compare', '/compare', 'Compare'],
  ['search', '/search', 'Search'],
  ['workers', '/workers', 'Workers'],
] as const;

/** htmx evaluates nothing and adds no styles: the policy of the pages forbids both. */
const htmxConfig = JSON.stringify({
  extensions: 'sse',
  includeIndicatorCSS: false,
  morphIgnore: ['data-htmx-powered', 'open'],
});

export function layout(distribution: Distribution, frame: Frame): Html {
  const { title, section, body, live, visitor } = frame;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content="${htmxConfig}" />
        <title>${title === '' ? distribution.title : `${title} · ${distribution.title}`}</title>
        <link rel="icon" href="${assetPath('sheaf.svg')}" type="image/svg+xml" />
        <link rel="stylesheet" href="${assetPath('sheaf.css')}" />
        <script src="${assetPath('htmx.js')}" defer></script>
        <script src="${assetPath('sheaf.js')}" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <div class="width">
            <a class="brand" href="/">${mark}<span>${distribution.title}</span></a>
            <nav aria-label="Main">
              <ul>
                ${sections.map(
                  ([name, href, label]) =>
                    html`<li><a href="${href}" ${raw(name === section ? 'aria-current="page"' : '')}>${label}</a></li>`,
                )}
              </ul>
            </nav>
            ${
              visitor === undefined
                ? ''
                : html`<form class="who" method="post" action="/sign-out">
                    <input type="hidden" name="form" value="${visitor.formToken}" />
                    <span>${visitor.person}</span> <button type="submit">Sign out</button>
                  </form>`
            }
          </div>
        </header>
        <main id="main" class="width" tabindex="-1">
          ${live === undefined ? body : html`<div id="live" hx-sse:connect="${live}" hx-swap="innerMorph">${body}</div>`}
        </main>
        <footer class="bottom">
          <div class="width">
            <ul>
              ${[...distribution.repositories.values()].map(
                (repository) =>
                  html`<li><a href="${repositoryPath(repository.name)}">Install from ${repository.title}</a></li>`,
              )}
              <li><a href="/audit">What people did</a></li>
              <li><a href="/api/openapi.json">API</a></li>
              ${visitor === undefined ? html`<li><a href="/sign-in">Sign in</a></li>` : ''}
            </ul>
            <p>Times are relative; point at one to see it exactly, in UTC. Made with Sheaf.</p>
          </div>
        </footer>
      </body>
    </html>`;
}

/** A sheaf: three stalks and a band. */
const mark = html`<svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
  <path
    d="M12 22V3M12 15C8 13 6 9 6 4M12 15c4-2 6-6 6-11M12 22c-1.500-3-3.500-5-5.500-6.500M12 22c1.500-3 3.500-5 5.500-6.500"
    fill="none"
    stroke="currentColor"
    stroke-width="2"
    stroke-linecap="round"
  />
  <path d="M8 17.500h8" stroke="currentColor" stroke-width="2.500" stroke-linecap="round" />
</svg>`;
