/** Pieces that several pages are put together from. */
import { html } from 'hono/html';

import type { Page } from '../../../tracker/mod.ts';
import { withQuery } from '../path.ts';
import type { Html } from './html.ts';

/** Shown where a list would be: what is missing, and what to do next. */
export function empty(title: string, next: Html): Html {
  return html`<div class="empty">
    <p class="empty-title">${title}</p>
    ${next}
  </div>`;
}

/** A command to type, with a button that copies it. */
export function command(text: string): Html {
  return html`<div class="command">
    <pre><code>${text}</code></pre>
    ${copyButton()}
  </div>`;
}

/** Copies the text of the code beside it; shown only where the script runs. */
export function copyButton(label = 'Copy'): Html {
  return html`<button type="button" class="copy" data-copy>${label}</button>`;
}

/** A link to what follows on a long list. */
export function pager(
  page: Page<unknown>,
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
): Html {
  const isFirst = query['after'] === undefined;
  if (isFirst && page.next === undefined) return html``;
  return html`<nav class="pager" aria-label="Pages">
    ${isFirst ? '' : html`<a href="${withQuery(path, { ...query, after: undefined })}">First page</a>`}
    ${page.next === undefined ? '' : html`<a rel="next" href="${withQuery(path, { ...query, after: page.next })}">Next page</a>`}
  </nav>`;
}

/** A hash: whole in the page and in the clipboard, cut off to the eye where room is short. */
export function hash(value: string, href?: string): Html {
  const code = html`<code class="hash" title="${value}">${value}</code>`;
  return href === undefined ? code : html`<a class="hash-link" href="${href}">${code}</a>`;
}

/** A hash in a table: its beginning to the eye, whole in the clipboard and when pointed at. */
export function shortHash(value: string): Html {
  return html`<code class="hash short" title="${value}">${value}</code>`;
}

/** `63,440`. */
export function thousands(count: number): string {
  return count.toLocaleString('en');
}

/** Names and values, side by side. Undefined values are left out. */
export function facts(entries: readonly (readonly [string, Html | string | number | undefined])[]): Html {
  const known = entries.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl class="facts">
    ${known.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

/** A fact that needs the room of two. */
export function wide(value: Html | string | undefined): Html | undefined {
  return value === undefined ? undefined : html`<span class="wide">${value}</span>`;
}

/** An address as a link only when it is one that a browser may follow. */
export function address(text: string): Html {
  return /^https?:\/\//.test(text)
    ? html`<a href="${text}" rel="noopener noreferrer nofollow">${text}</a>`
    : html`<span class="address">${text}</span>`;
}
