/** `/source/NAME`: one source package in every suite that is followed, over time, and the binaries made of it. */
import { html } from 'hono/html';

import { entriesAt } from '../../../history/mod.ts';
import { formatSize } from '../../../kit/bytes.ts';
import type { PackageEntry } from '../../../model/index-history.ts';
import { address, facts, hash, shortHash, wide } from '../parts/common.ts';
import { foreign } from '../parts/foreign.ts';
import type { Html } from '../parts/html.ts';
import { viewerPath } from '../path.ts';
import { ownLink } from './binary.ts';
import { choose, placeName, type Choice } from './viewer/choice.ts';
import { chooser, placeSentence } from './viewer/chooser.ts';
import { missingView } from './viewer/missing.ts';
import { relationsSection } from './viewer/relations.ts';
import { fieldsOf, fieldsSection, valueOf, type StanzaField } from './viewer/stanza.ts';
import { doubledAlarm, versionsSection } from './viewer/versions.ts';
import type { ViewFunction } from './view.ts';

const mostBinaries = 500;

export const sourceView: ViewFunction = async (context) => {
  const name = context.params['name'] ?? '';
  const choice = await choose(context, 'source', name);
  if (choice === undefined) return missingView(context, 'source', name);
  const { history } = context.deps;
  const { entry, ref } = choice;
  const [fields, binaries] = await Promise.all([
    fieldsOf(history, entry),
    entriesAt(history, ref, { kind: 'binary', source: name, limit: mostBinaries }),
  ]);
  return {
    title: `${name} (source)`,
    section: 'search',
    isLive: false,
    body: html`<p class="crumb"><a href="/search">Search</a></p>
      <h1>${name} <span class="sub">Source package</span></h1>
      ${placeSentence(choice)} ${chooser(choice)} ${doubledAlarm(choice.sightings)}
      ${entry === undefined ? '' : entryFacts(entry, fields, choice)} ${versionsSection(choice, context.now)}
      ${binarySection(binaries, placeName(choice))}
      ${entry === undefined ? '' : relationsSection(fields, { in: placeName(choice), arch: undefined })}
      ${entry === undefined ? '' : fileSection(fields)}
      ${entry === undefined || fields.length === 0 ? '' : fieldsSection(fields, entry, placeName(choice))}`,
  };
};

function entryFacts(entry: PackageEntry, fields: readonly StanzaField[], choice: Choice): Html {
  const text = (name: string) => {
    const value = valueOf(fields, name);
    return value === undefined ? undefined : foreign(value, 300);
  };
  const [homepage, git] = [valueOf(fields, 'Homepage'), valueOf(fields, 'Vcs-Browser')];
  return facts([
    ['Component', foreign(entry.component, 40)],
    ['Section', text('Section')],
    ['Format', text('Format')],
    ['Standards-Version', text('Standards-Version')],
    ['Maintainer', wide(text('Maintainer'))],
    ['Uploaders', wide(text('Uploaders'))],
    ['Homepage', homepage === undefined ? undefined : wide(address(foreign(homepage, 300)))],
    ['Packaging', git === undefined ? undefined : wide(address(foreign(git, 300)))],
    ['Ours', ownLink(choice, entry)],
    ['SHA-256 of the .dsc', entry.sha256 === '' ? undefined : hash(entry.sha256)],
  ]);
}

function binarySection(binaries: readonly PackageEntry[], place: string): Html {
  const byName = new Map<string, string[]>();
  for (const { name, architecture } of binaries) byName.set(name, [...(byName.get(name) ?? []), architecture]);
  return html`<section aria-labelledby="binaries">
    <h2 id="binaries">Binary packages <span class="quiet">${byName.size === 0 ? '' : byName.size}</span></h2>
    ${
      byName.size === 0
        ? html`<p class="quiet">None of the indexes that are followed has a binary package of it.</p>`
        : html`<ul class="names">
            ${[...byName].map(
              ([name, architectures]) =>
                html`<li>
                  <a href="${viewerPath({ kind: 'binary', name, in: place })}">${foreign(name, 120)}</a>
                  <span class="quiet">${architectures.map((each) => foreign(each, 40)).join(', ')}</span>
                </li>`,
            )}
          </ul>`
    }
    ${binaries.length === mostBinaries ? html`<p class="quiet">Only the first ${mostBinaries} are listed.</p>` : ''}
  </section>`;
}

function fileSection(fields: readonly StanzaField[]): Html {
  const files = (valueOf(fields, 'Checksums-Sha256') ?? '')
    .split('\n')
    .map((line) => /^\s*([0-9a-f]{64})\s+(\d{1,15})\s+(\S+)\s*$/.exec(line))
    .filter((match) => match !== null)
    .slice(0, 100);
  if (files.length === 0) return html``;
  return html`<section aria-labelledby="files">
    <h2 id="files">Files</h2>
    <table class="file-table">
      <thead>
        <tr>
          <th scope="col">File</th>
          <th scope="col" class="number">Size</th>
          <th scope="col">SHA-256</th>
        </tr>
      </thead>
      <tbody>
        ${files.map(
          ([, sha256, size, name]) =>
            html`<tr>
              <td>${foreign(name!, 200)}</td>
              <td class="number">${formatSize(Number(size))}</td>
              <td>${shortHash(sha256!)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}
