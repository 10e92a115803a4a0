/** Which two places, and what of their difference. Works as a plain form. */
import { html, raw } from 'hono/html';

import { changeClasses, type ChangeClass, type PackageKind } from '../../../../compare/mod.ts';
import { foreign } from '../../parts/foreign.ts';
import type { Html } from '../../parts/html.ts';

/** The names are those of the page's address. */
export type CompareQuestion = {
  readonly a: string | undefined;
  readonly b: string | undefined;
  readonly kind: PackageKind | undefined;
  readonly only: ChangeClass | undefined;
  readonly name: string | undefined;
  readonly component: string | undefined;
  readonly arch: string | undefined;
};

export function compareForm(question: CompareQuestion, places: readonly string[]): Html {
  const { a, b, kind, only, name, component, arch } = question;
  return html`<form class="filter" method="get" action="/compare">
      ${placeField('a', 'From', a, 'the snapshot before')} ${placeField('b', 'To', b, places[0] ?? 'debian/trixie')}
      ${select('kind', 'Packages', kind, 'binary and source', ['binary', 'source'])}
      ${select('only', 'Changes', only, 'all', changeClasses)}
      <label>
        Name contains
        <input name="name" type="search" value="${name ?? ''}" size="14" autocomplete="off" spellcheck="false" />
      </label>
      <label>
        Component
        <input name="component" value="${component ?? ''}" size="10" autocomplete="off" spellcheck="false" />
      </label>
      ${arch === undefined ? '' : html`<input type="hidden" name="arch" value="${arch}" />`}
      <button type="submit">Compare</button>
      <datalist id="places">${places.map((place) => html`<option value="${place}"></option>`)}</datalist>
    </form>
    <p class="quiet">
      A place is a suite as it is now (<code>${foreign(places[0] ?? 'debian/trixie')}</code>), on a day (<code
        >@2026-09-12</code
      >
      behind it), at a snapshot (<code>@20260912T075541Z</code>), or a numbered snapshot of a suite of ours
      (<code>stable@142</code>). Leave “From” empty to see what a snapshot changed.
    </p>`;
}

function placeField(name: 'a' | 'b', label: string, value: string | undefined, instead: string): Html {
  return html`<label>
    ${label}
    <input
      name="${name}"
      list="places"
      value="${value ?? ''}"
      placeholder="${instead}"
      size="28"
      maxlength="300"
      autocomplete="off"
      autocapitalize="off"
      spellcheck="false"
    />
  </label>`;
}

function select(
  name: string,
  label: string,
  chosen: string | undefined,
  instead: string,
  values: readonly string[],
): Html {
  return html`<label>
    ${label}
    <select name="${name}">
      <option value="">${instead}</option>
      ${values.map(
        (value) => html`<option value="${value}" ${raw(value === chosen ? 'selected' : '')}>${value}</option>`,
      )}
    </select>
  </label>`;
}
