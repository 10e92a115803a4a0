/** The stanza that an index has for a package: all its fields, as they stand there. */
import { html } from 'hono/html';

import { parseStanzas } from '../../../../formats/deb/deb822.ts';
import { readStanza, type HistoryDeps } from '../../../../history/mod.ts';
import { SheafError } from '../../../../kit/error.ts';
import type { PackageEntry } from '../../../../model/index-history.ts';
import { withQuery } from '../../path.ts';
import { foreign } from '../../parts/foreign.ts';
import type { Html } from '../../parts/html.ts';

/** Longer values are cut on the page; the API has them whole. */
const mostOfValue = 3000;
const mostOfDescription = 5000;

export type StanzaField = { readonly name: string; readonly value: string };

/** Empty when there is none, or when it cannot be read: what an index says may be anything. */
export async function fieldsOf(history: HistoryDeps, entry: PackageEntry | undefined): Promise<readonly StanzaField[]> {
  if (entry?.piece === undefined) return [];
  const text = await readStanza(history.store, entry.piece);
  try {
    return parseStanzas(text)[0]?.fields ?? [];
  } catch (error) {
    if (error instanceof SheafError) return [{ name: 'Unreadable', value: text }];
    throw error;
  }
}

export function valueOf(fields: readonly StanzaField[], name: string): string | undefined {
  const value = fields.find((each) => each.name.toLowerCase() === name.toLowerCase())?.value.trim();
  return value === '' ? undefined : value;
}

/** The description's first line, and the rest in paragraphs. */
export function description(fields: readonly StanzaField[]): {
  readonly short: string;
  readonly long: Html | undefined;
} {
  const [short = '', ...lines] = (valueOf(fields, 'Description') ?? '').split('\n');
  const text = lines.join('\n').trim();
  if (text === '') return { short, long: undefined };
  return {
    short,
    long: html`${foreign(text, mostOfDescription)
      .split(/\n\n+/)
      .slice(0, 200)
      .map((part) => (/^\s/m.test(part) ? html`<pre class="verbatim">${part}</pre>` : html`<p>${part}</p>`))}`,
  };
}

export function fieldsSection(fields: readonly StanzaField[], entry: PackageEntry, place: string): Html {
  const whole = withQuery('/api/v1/stanza', {
    ...{ place, kind: entry.kind, name: entry.name, version: entry.version },
    architecture: entry.kind === 'source' ? undefined : entry.architecture,
  });
  return html`<section aria-labelledby="fields">
    <h2 id="fields">All fields</h2>
    <details class="more">
      <summary>${fields.length} fields of its stanza</summary>
      <dl class="stanza">
        ${fields.map(
          (each) =>
            html`<div>
              <dt>${foreign(each.name, 80)}</dt>
              <dd>${foreign(each.value, mostOfValue)}</dd>
            </div>`,
        )}
      </dl>
    </details>
    <p><a href="${whole}">The stanza as the index has it</a></p>
  </section>`;
}
