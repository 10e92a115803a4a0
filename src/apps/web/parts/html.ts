/** What the templates are made of. */
import type { html } from 'hono/html';

/** Escaped HTML: only `html` and `raw` of hono/html make it. */
export type Html = ReturnType<typeof html>;
