/** Forms that change something: who sends them is checked before anything of them is believed. */
import type { Context } from 'hono';

import type { WebDeps } from '../ports.ts';
import { isSameOrigin } from './same-origin.ts';
import { isOwnForm, visitorOfPage, type Visitor } from './visitor.ts';

export type Form = Readonly<Record<string, unknown>>;

/** Why a form is not taken. */
export type FormTrouble = 'elsewhere' | 'nobody' | 'old';

/**
 * The form and the person who sent it. `elsewhere`: another site's page sent it; `nobody`: nobody is signed in; `old`: it
 * was made for another session.
 */
export async function readForm(
  c: Context,
  deps: WebDeps,
): Promise<{ readonly form: Form; readonly visitor: Visitor } | FormTrouble> {
  if (!isSameOrigin(c.req.raw.headers, deps.distribution.url)) return 'elsewhere';
  const visitor = await visitorOfPage(c, deps);
  if (visitor === undefined) return 'nobody';
  const form = await c.req.parseBody();
  return isOwnForm(visitor, form['form']) ? { form, visitor } : 'old';
}

/** One line of text; undefined when it is empty. */
export function lineOf(form: Form, name: string, most = 1000): string | undefined {
  return textOf(form, name, most)?.replaceAll(/\s+/g, ' ').trim();
}

/** Text of several lines, without what cannot be stored or shown; undefined when it is empty. */
export function textOf(form: Form, name: string, most = 10_000): string | undefined {
  const value = form[name];
  if (typeof value !== 'string') return undefined;
  const text = value
    .slice(0, most)
    .toWellFormed()
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '')
    .trim();
  return text === '' ? undefined : text;
}
