/** Addresses that are there, asked by a method that they do not have: 405, and which they have. RFC 9110, section 15.5.6. */
import type { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';

import { apiError } from './api.ts';

/** Call it before anything is mounted. */
export function refuseWrongMethods(app: Hono): void {
  const answer = methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) => {
      const allow = methods.join(', ');
      const said = `Method not allowed: this address takes ${allow}`;
      return c.req.path.startsWith('/api/')
        ? c.json(apiError('method-not-allowed', said), 405, { Allow: allow })
        : c.text(`${said}\n`, 405, { Allow: allow });
    },
  });
  app.use(answer);
}
