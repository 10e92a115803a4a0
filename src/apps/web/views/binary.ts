/** `/binary/NAME` and `/binary/NAME/files`: one binary package in every suite that is followed, over time. */
import { html } from 'hono/html';

import { filesOf } from '../../../history/mod.ts';
import { formatSize } from '../../../kit/bytes.ts';
import type { PackageEntry } from '../../../model/index-history.ts';
import { address, command, empty, facts, hash, wide } from '../parts/common.ts';
import { foreign } from '../parts/foreign.ts';
import type { Html } from '../parts/html.ts';
import { packagePath, viewerPath, withQuery } from '../path.ts';
import { choose, placeName, type Choice } from './viewer/choice.ts';
import { chooser, placeSentence } from './viewer/chooser.ts';
import { missingView } from './viewer/missing.ts';
import { relationsSection, reverseSection } from './viewer/relations.ts';
import { description, fieldsOf, fieldsSection, valueOf, type StanzaField } from './viewer/stanza.ts';
import { doubledAlarm, versionsSection } from './viewer/versions.ts';
import type { ViewFunction } from './view.ts';

const mostFiles = 20_000;

export const binaryView: ViewFunction = async (context) => {
  const name = context.params['name'] ?? '';
  const choice = await choose(context, 'binary', name);
  if (choice === undefined) return missingView(context, 'binary', name);
  const { entry, ref } = choice;
  const place = { in: placeName(choice), arch: entry?.architecture === 'all' ? undefined : entry?.architecture };
  const [fields, reverse] = await Promise.all([
    fieldsOf(context.deps.history, entry),
    reverseSection(context, { kind: 'binary', name, ...place }, ref),
  ]);
  const { short, long } = description(fields);
  return {
    title: name,
    section: 'search',
    isLive: false,
    body: html`<p class="crumb"><a href="/search">Search</a></p>
      <h1>${name} ${short === '' ? '' : html`<span class="sub">${foreign(short, 200)}</span>`}</h1>
      ${placeSentence(choice)} ${chooser(choice)} ${doubledAlarm(choice.sightings)}
      ${entry === undefined ? '' : entryFacts(entry, fields, choice)}
      ${long === undefined ? '' : html`<section class="description" aria-label="Description">${long}</section>`}
      ${versionsSection(choice, context.now)} ${entry === undefined ? '' : relationsSection(fields, place)} ${reverse}
      ${entry === undefined ? '' : filesLink(choice)}
      ${entry === undefined || fields.length === 0 ? '' : fieldsSection(fields, entry, place.in)}`,
  };
};

function entryFacts(entry: PackageEntry, fields: readonly StanzaField[], choice: Choice): Html {
  const installed = Number(valueOf(fields, 'Installed-Size'));
  const homepage = valueOf(fields, 'Homepage');
  const version = entry.sourceVersion === entry.version ? '' : ` ${foreign(entry.sourceVersion, 120)}`;
  return facts([
    [
      'Source',
      html`<a href="${viewerPath({ kind: 'source', name: entry.source, in: placeName(choice) })}"
          >${foreign(entry.source, 120)}</a
        >${version}`,
    ],
    ['Architecture', foreign(entry.architecture, 40)],
    ['Component', foreign(entry.component, 40)],
    ['Section', shown(fields, 'Section')],
    ['Priority', shown(fields, 'Priority')],
    ['Multi-Arch', shown(fields, 'Multi-Arch')],
    ['Essential', valueOf(fields, 'Essential') === 'yes' ? 'yes' : undefined],
    ['Size', formatSize(entry.size)],
    ['Installed', Number.isSafeInteger(installed) && installed > 0 ? formatSize(installed * 1024) : undefined],
    ['Maintainer', wide(shown(fields, 'Maintainer'))],
    ['Homepage', homepage === undefined ? undefined : wide(address(foreign(homepage, 300)))],
    ['Ours', ownLink(choice, entry)],
    ['File', wide(shown(fields, 'Filename'))],
    ['SHA-256', entry.sha256 === '' ? undefined : hash(entry.sha256)],
  ]);
}

function shown(fields: readonly StanzaField[], name: string): string | undefined {
  const value = valueOf(fields, name);
  return value === undefined ? undefined : foreign(value, 300);
}

/** The way a package of ours went, where it is one. */
export function ownLink({ sightings }: Choice, entry: PackageEntry): Html | undefined {
  if (!sightings.some((each) => each.origin === '')) return undefined;
  return html`<a href="${packagePath(entry.source)}">its way into our suites</a>`;
}

function filesLink(choice: Choice): Html {
  const { name, entry } = choice;
  const href = withQuery(`${viewerPath({ kind: 'binary', name })}/files`, {
    in: placeName(choice),
    arch: entry?.architecture,
  });
  return html`<section aria-labelledby="files">
    <h2 id="files">Files</h2>
    <p><a href="${href}">Files that it installs</a></p>
  </section>`;
}

export const binaryFilesView: ViewFunction = async (context) => {
  const name = context.params['name'] ?? '';
  const choice = await choose(context, 'binary', name);
  if (choice === undefined) return missingView(context, 'binary', name);
  const { ref, entry } = choice;
  const files = entry === undefined ? undefined : await filesOf(context.deps.history, ref, name, mostFiles);
  const back = viewerPath({ kind: 'binary', name, in: placeName(choice), arch: entry?.architecture });
  return {
    title: `Files of ${name}`,
    section: 'search',
    isLive: false,
    body: html`<p class="crumb"><a href="${back}">${name}</a></p>
      <h1>Files of ${name}</h1>
      ${placeSentence(choice)}
      ${entry === undefined ? '' : files === undefined ? notFollowed(ref.origin) : fileList(files)}`,
  };
};

export function notFollowed(origin: string): Html {
  return empty(
    'Its files are not known: the Contents indexes of this suite are not followed.',
    origin === ''
      ? html`<p>Suites of ours have no Contents indexes yet.</p>`
      : html`<p>
            Write <code>contents = true</code> into <code>[upstream.${origin}]</code> in <code>sheaf.toml</code>, then
            fetch them:
          </p>
          ${command(`sheaf upstream update ${origin}`)}`,
  );
}

function fileList(files: readonly string[]): Html {
  if (files.length === 0) return html`<p>It installs no file, or its index does not tell.</p>`;
  return html`<p class="quiet">${files.length === mostFiles ? `The first ${mostFiles}` : files.length} files</p>
    <ul class="paths">
      ${files.map((each) => html`<li>/${foreign(each, 500)}</li>`)}
    </ul>`;
}
