/** Pages for what does not exist and for what broke. */
import { html } from 'hono/html';

import type { View } from './view.ts';

export const notFoundView: View = {
  title: 'Not found',
  section: undefined,
  isLive: false,
  body: html`<h1>There is nothing at this address</h1>
    <p>
      It may be misspelt, or the thing it names was never made. Try the list of <a href="/packages">packages</a>,
      <a href="/jobs">jobs</a> or <a href="/suites">suites</a>.
    </p>`,
};

export function brokenView(reference: string): View {
  return {
    title: 'Internal error',
    section: undefined,
    isLive: false,
    body: html`<h1>The page could not be made</h1>
      <p>
        The fault is the server's, and it is in its log under <code>${reference}</code>. Nothing was changed by your
        visit; load the page again in a moment.
      </p>`,
  };
}
