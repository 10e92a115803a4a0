/** What pages show to those who may manage a suite, and what others are told. */
import { html } from 'hono/html';

import { managersOf } from '../../../access/mod.ts';
import type { Distribution } from '../../../model/distribution.ts';
import type { Visitor } from '../manage/visitor.ts';
import type { Html } from './html.ts';

/** A form that changes something. `fields` are its questions. */
export function actionForm(
  visitor: Visitor,
  path: string,
  { fields = html``, label, isDangerous = false }: { fields?: Html; label: string; isDangerous?: boolean },
): Html {
  return html`<form class="action" method="post" action="${path}">
    <input type="hidden" name="form" value="${visitor.formToken}" />
    ${fields}
    <button type="submit" class="${isDangerous ? 'danger' : 'main'}">${label}</button>
  </form>`;
}

/** A question for a line of text. */
export function lineField(
  name: string,
  label: string,
  { value = '', hint = '', isNeeded = false }: { value?: string; hint?: string; isNeeded?: boolean } = {},
): Html {
  const input = isNeeded
    ? html`<input name="${name}" value="${value}" maxlength="1000" autocomplete="off" required />`
    : html`<input name="${name}" value="${value}" maxlength="1000" autocomplete="off" />`;
  return html`<label class="field"
    ><span>${label}${hint === '' ? '' : html` <span class="quiet">${hint}</span>`}</span> ${input}</label
  >`;
}

/** Undefined for those who may. */
export function whatIsMissing(
  distribution: Distribution,
  suite: string,
  visitor: Visitor | undefined,
): Html | undefined {
  if (visitor?.may(suite) === true) return undefined;
  const managers = managersOf(distribution, suite);
  if (managers.length === 0) {
    return html`<p class="quiet">
      Nobody manages ${suite} on the web yet: give somebody <code>manages = ["${suite}"]</code> in
      <code>sheaf.toml</code>.
    </p>`;
  }
  const names = listOf(managers);
  return visitor === undefined
    ? html`<p class="quiet">
        Managed by ${names}. <a href="/sign-in">Sign in</a> to publish, roll back, copy or freeze.
      </p>`
    : html`<p class="quiet">
        You are signed in as ${visitor.person}, who does not manage ${suite}: in <code>sheaf.toml</code>,
        <code>manages</code> names it for ${names}.
      </p>`;
}

function listOf(names: readonly string[]): string {
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : (names[0] ?? '');
}
