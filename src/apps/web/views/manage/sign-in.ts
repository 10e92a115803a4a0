/** `/sign-in` and `/sign-in/TOKEN`. */
import { html } from 'hono/html';

import { command } from '../../parts/common.ts';
import type { View } from '../view.ts';
import type { Visitor } from '../../manage/visitor.ts';

export function signInView(visitor: Visitor | undefined): View {
  return {
    title: 'Sign in',
    section: undefined,
    isLive: false,
    body: html`<h1>Sign in</h1>
      ${visitor === undefined ? '' : html`<p class="note">You are signed in as ${visitor.person}.</p>`}
      <p>
        There are no passwords. Somebody with the distribution's folder on the server makes an address that works once,
        within 15 minutes:
      </p>
      ${command('sheaf web sign-in PERSON')}
      <p>
        Open it in this browser. What you may do is what <code>manages</code> says of you in <code>sheaf.toml</code>.
      </p>`,
  };
}

/** Asks before it uses the address up: a program that looks at links must not. */
export function confirmSignInView(person: string, path: string): View {
  return {
    title: 'Sign in',
    section: undefined,
    isLive: false,
    body: html`<h1>Sign in as ${person}</h1>
      <p>This browser will be signed in for at most 30 days. The address works once.</p>
      <form class="action" method="post" action="${path}">
        <button type="submit" class="main">Sign in as ${person}</button>
      </form>`,
  };
}

export const badSignInView: View = {
  title: 'Sign in',
  section: undefined,
  isLive: false,
  status: 404,
  body: html`<h1>This address is not good</h1>
    <p>It was used, it is older than 15 minutes, or it is not complete. Ask for another:</p>
    ${command('sheaf web sign-in PERSON')}`,
};

export const waitView: View = {
  title: 'Too many tries',
  section: undefined,
  isLive: false,
  status: 429,
  body: html`<h1>Too many tries</h1>
    <p>Too many addresses that are not good were tried from here. Wait ten minutes.</p>`,
};
