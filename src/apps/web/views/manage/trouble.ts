/** Pages for what was asked and not done. */
import { html } from 'hono/html';

import type { FormTrouble } from '../../manage/form.ts';
import type { Html } from '../../parts/html.ts';
import type { View } from '../view.ts';

const troubles: Readonly<Record<FormTrouble, readonly [string, string]>> = {
  elsewhere: ['Not from here', 'The form did not come from a page of this site. Nothing was changed.'],
  nobody: ['Nobody is signed in', 'Nothing was changed.'],
  old: ['An old page', 'The form was made before you signed in. Nothing was changed; go back, load the page again.'],
};

export function formTroubleView(trouble: FormTrouble): View {
  const [title, sentence] = troubles[trouble];
  return {
    title,
    section: undefined,
    isLive: false,
    status: 403,
    body: html`<h1>${title}</h1>
      <p>${sentence}</p>
      <p><a href="/sign-in">Sign in</a></p>`,
  };
}

export function forbiddenView(title: string, missing: Html): View {
  return {
    title,
    section: undefined,
    isLive: false,
    status: 403,
    body: html`<h1>${title}</h1>
      <p>You may not do this.</p>
      ${missing}`,
  };
}

/** With all reasons, and the way back. */
export function refusedView(title: string, reasons: readonly string[], back: string): View {
  return {
    title,
    section: undefined,
    isLive: false,
    status: 409,
    body: html`<p class="crumb"><a href="${back}">Back</a></p>
      <h1>${title}</h1>
      <p>It was refused, and nothing was changed:</p>
      <ul class="reasons">
        ${reasons.map((reason) => html`<li><p class="reason">${reason}</p></li>`)}
      </ul>`,
  };
}
