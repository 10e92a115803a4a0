/** A folder for people who look around: names only. */
import { readdir } from 'node:fs/promises';

import { html } from 'hono/html';

import type { Answer } from './answer.ts';
import { decodePart } from './locate.ts';
import { isUnfinished } from './open-file.ts';

/** Names in a folder on the disk; those of folders, and of links, which here lead to folders, end in a slash. */
export async function readNames(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries
    .filter((entry) => !isUnfinished(entry.name))
    .map((entry) => (entry.isFile() ? entry.name : `${entry.name}/`))
    .toSorted();
}

/** One snapshot, or the moments of a repository: no folder is above them. */
const isTop = /^\/+(?:snapshot|archive)\/+[^/]+\/+$/;

/** A folder's address ends in a slash; without it the answer leads there. */
export async function listing(names: readonly string[], url: string, method: string): Promise<Answer> {
  if (!url.endsWith('/')) {
    return { status: 301, headers: ['location', `${url.replace(/^.*\//, '')}/`, 'content-length', '0'], pieces: [] };
  }
  const title = url.split('/').map(decodePart).join('/');
  const body = await html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <title>${title}</title>
      <h1>${title}</h1>
      <ul>
        ${isTop.test(url) ? '' : html`<li><a href="../">../</a></li>`}
        ${names.map((name) => html`<li><a href="${encodeURIComponent(name).replace(/%2F$/, '/')}">${name}</a></li> `)}
      </ul>
    </html> `;
  const bytes = Buffer.from(String(body));
  const headers = [
    ...['content-type', 'text/html; charset=utf-8'],
    ...['cache-control', 'no-cache'],
    ...['content-length', String(bytes.length)],
  ];
  return { status: 200, headers, pieces: method === 'HEAD' ? [] : [bytes] };
}
