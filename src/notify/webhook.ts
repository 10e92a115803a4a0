/** The generic webhook: a JSON document by POST, signed with a shared secret. */
import { createHmac } from 'node:crypto';

import { toDocument, type News } from './news.ts';
import type { HttpRequest } from './ports.ts';

/**
 * `X-Sheaf-Signature-256` is `sha256=` and the HMAC-SHA256 of the body in hex; `X-Sheaf-Delivery` stays the same when a
 * delivery is tried again, so that a receiver can tell a repetition.
 */
export function webhookRequest(
  url: string,
  secret: string | undefined,
  news: News,
  distribution: { readonly name: string; readonly url: string },
): HttpRequest {
  const body = JSON.stringify(toDocument(news, distribution));
  return {
    method: 'POST',
    url,
    headers: {
      'content-type': 'application/json',
      'x-sheaf-event': news.event.kind,
      'x-sheaf-delivery': String(news.delivery),
      ...(secret === undefined
        ? {}
        : { 'x-sheaf-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` }),
    },
    body,
  };
}
