/** Pages as a visitor gets them: whole, well-formed, and with nothing that the server would have to report. */
import assert from 'node:assert/strict';

import type { WebPages } from '../src/apps/web/mod.ts';
import { checkHtml } from './html.ts';

/** Reads pages of `pages`; what those report to `reported` fails. */
export function pageReader(pages: () => WebPages, reported: () => readonly unknown[]) {
  return async (path: string, status = 200): Promise<string> => {
    const response = await pages().app.request(path);
    const html = await response.text();
    assert.deepEqual(reported(), []);
    assert.equal(response.status, status, path);
    checkHtml(html, path);
    return html;
  };
}
