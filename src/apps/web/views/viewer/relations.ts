/** What a package relates to, as links, and what relates to it. */
import { html } from 'hono/html';

import { relationsTo } from '../../../../history/mod.ts';
import { formatRelation, parseRelations, type Relation } from '../../../../formats/deb/relation.ts';
import { SheafError } from '../../../../kit/error.ts';
import { formatSuiteRef, type PackageEntry, type SnapshotRef } from '../../../../model/index-history.ts';
import { relationFields, type RelationField } from '../../../../model/relation-field.ts';
import { pager, thousands } from '../../parts/common.ts';
import { foreign } from '../../parts/foreign.ts';
import type { Html } from '../../parts/html.ts';
import { viewerPath, type PackagePlace } from '../../path.ts';
import { queryText, type ViewContext } from '../view.ts';
import type { StanzaField } from './stanza.ts';

const mostGroups = 300;
const reverseOnPage = 100;
/** `relationsTo` counts no further. */
const mostCounted = 1000;

export type Place = { readonly in: string; readonly arch: string | undefined };

export function relationsSection(fields: readonly StanzaField[], place: Place): Html {
  const known = relationFields.flatMap((name) => {
    const found = fields.find((each) => each.name.toLowerCase() === name.toLowerCase());
    return found === undefined || found.value.trim() === '' ? [] : [{ name, value: found.value }];
  });
  return html`<section aria-labelledby="relations">
    <h2 id="relations">Relations</h2>
    ${
      known.length === 0
        ? html`<p class="quiet">It names no other package.</p>`
        : html`<dl class="relations">
            ${known.map(
              ({ name, value }) =>
                html`<div>
                  <dt>${name}</dt>
                  <dd>${groups(value, place)}</dd>
                </div>`,
            )}
          </dl>`
    }
  </section>`;
}

function groups(value: string, place: Place): Html {
  const parsed = readRelations(value);
  // What cannot be read is shown as it stands.
  if (parsed === undefined) return html`${foreign(value, 1000)}`;
  return html`<ul>
    ${parsed
      .slice(0, mostGroups)
      .map(
        (group) =>
          html`<li>
            ${group.map((each, index) => html`${index === 0 ? '' : html`<span class="quiet"> or </span>`}${relationLink(each, place)}`)}
          </li>`,
      )}
    ${parsed.length > mostGroups ? html`<li class="quiet">and ${parsed.length - mostGroups} more</li>` : ''}
  </ul>`;
}

function readRelations(value: string): ReturnType<typeof parseRelations> | undefined {
  try {
    return parseRelations(value);
  } catch (error) {
    if (error instanceof SheafError) return undefined;
    throw error;
  }
}

function relationLink(relation: Relation, place: Place): Html {
  const rest = formatRelation(relation).slice(relation.name.length);
  return html`<a href="${viewerPath({ kind: 'binary', name: relation.name, ...place })}"
      >${foreign(relation.name, 120)}</a
    >${rest === '' ? '' : html`<span class="quiet" title="${foreign(rest, 1000)}">${foreign(rest, 60)}</span>`}`;
}

/** Packages of that snapshot that name `name`, by the field they name it in. */
export async function reverseSection(
  context: ViewContext,
  package_: PackagePlace & { readonly in: string },
  ref: SnapshotRef,
): Promise<Html> {
  const after = queryText(context, 'after');
  const found = await relationsTo(context.deps.db, {
    target: package_.name,
    ref,
    limit: reverseOnPage,
    ...(after === undefined ? {} : { after }),
  });
  const place = { in: package_.in, arch: package_.arch };
  return html`<section aria-labelledby="reverse">
    <h2 id="reverse">
      Reverse relations
      <span class="quiet"
        >${found.total === 0 ? '' : `${thousands(found.total)}${found.total >= mostCounted ? ' or more' : ''} in ${formatSuiteRef(ref)}`}</span
      >
    </h2>
    ${
      found.items.length === 0
        ? html`<p class="quiet">No package of ${formatSuiteRef(ref)} names it.</p>`
        : html`<dl class="relations">
            ${[...byField(found.items)].map(
              ([field, entries]) =>
                html`<div>
                  <dt>${field}</dt>
                  <dd>
                    <ul>
                      ${entries.map((each) => html`<li>${entryLink(each, place)}</li>`)}
                    </ul>
                  </dd>
                </div>`,
            )}
          </dl>`
    }
    ${pager({ items: found.items, next: found.next }, viewerPath({ kind: package_.kind, name: package_.name }), {
      in: queryText(context, 'in'),
      arch: package_.arch,
      after,
    })}
  </section>`;
}

function byField(
  items: readonly { readonly field: RelationField; readonly entry: PackageEntry }[],
): Map<RelationField, PackageEntry[]> {
  const groups_ = new Map<RelationField, PackageEntry[]>();
  for (const { field, entry } of items) groups_.set(field, [...(groups_.get(field) ?? []), entry]);
  return groups_;
}

export function entryLink(entry: PackageEntry, place: Place): Html {
  const { kind, name } = entry;
  const arch = kind === 'source' ? undefined : place.arch;
  return html`<a href="${viewerPath({ kind, name, in: place.in, arch })}">${foreign(name, 120)}</a
    >${kind === 'source' ? html` <span class="quiet">source</span>` : ''}`;
}
