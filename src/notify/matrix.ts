/** Matrix: one notice in one room (Client-Server API v1.11, "PUT /rooms/{roomId}/send/{eventType}/{txnId}"). */
import { pageOf, toLines, type News } from './news.ts';
import type { HttpRequest } from './ports.ts';

/** An event is at most 65,536 bytes; the text goes in twice and may need escapes. */
const longest = 4000;

/** The delivery's id is the transaction id: a server shows a repetition only once. */
export function matrixRequest(
  target: { readonly url: string; readonly room: string },
  token: string,
  news: News,
  distribution: { readonly name: string; readonly url: string },
): HttpRequest {
  const page = pageOf(news, distribution.url);
  const lines = toLines(news);
  const text = shorten(lines.join('\n'));
  const path = ['rooms', target.room, 'send', 'm.room.message', `sheaf-${distribution.name}-${news.delivery}`];
  return {
    method: 'PUT',
    url: `${target.url}/_matrix/client/v3/${path.map(encodeURIComponent).join('/')}`,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({
      msgtype: 'm.notice',
      body: `${text}\n${page}`,
      format: 'org.matrix.custom.html',
      formatted_body: `${escape(text).replaceAll('\n', '<br>')}<br><a href="${escape(page)}">${escape(page)}</a>`,
      // Nobody is called by what a tag or a log says.
      'm.mentions': {},
    }),
  };
}

function shorten(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest).replace(/[\ud800-\udbff]$/, '')}…`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
