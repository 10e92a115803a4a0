/** `/REPOSITORY/`: how to install from it. */
import { html } from 'hono/html';

import { SheafError } from '../../../kit/error.ts';
import type { Distribution } from '../../../model/distribution.ts';
import type { Label } from '../../../model/names.ts';
import { listSuites, type SuiteView } from '../../../tracker/mod.ts';
import { command, copyButton, empty, thousands } from '../parts/common.ts';
import { chip } from '../parts/chip.ts';
import type { Html } from '../parts/html.ts';
import { moment } from '../parts/time.ts';
import { keyPath, repositoryPath, snapshotPath, sourcesPath, suitePath } from '../path.ts';
import type { ArchiveKey, ArchiveTexts } from '../ports.ts';
import type { ViewFunction } from './view.ts';

export function repositoryView(name: Label): ViewFunction {
  return async ({ deps, now }) => {
    const { distribution, archive } = deps;
    const repository = distribution.repositories.get(name);
    if (repository === undefined) return undefined;
    const own = [...distribution.suites.values()].filter((suite) => suite.repository === name);
    const [suites, keys] = await Promise.all([listSuites(deps.db, own, now), keysOf(archive, name)]);
    const stanzas = new Map<string, string>();
    if (keys.length > 0) for (const suite of own) stanzas.set(suite.name, await archive.aptSources(suite.name));
    return {
      title: `Install from ${repository.title}`,
      section: undefined,
      isLive: false,
      body: html`<h1>${repository.title} <span class="sub">Packages for apt</span></h1>
        ${suites.length > 1 ? suiteTable(suites, now) : ''}
        ${
          suites.length === 0
            ? empty(
                'No suite belongs to this repository.',
                html`<p>Name it in a suite of <code>sheaf.toml</code>: <code>repository = "${name}"</code></p>`,
              )
            : suites.map((suite) => suiteSection(suite, stanzas.get(suite.name), distribution, now))
        }
        ${keySection(keys, name, own[0]?.name, now)} ${mirrorSection(distribution, name)}`,
    };
  };
}

/** A repository whose key was not made yet has none; any other trouble with it is an error. */
export async function keysOf(archive: ArchiveTexts, repository: string): Promise<readonly ArchiveKey[]> {
  try {
    return await archive.keys(repository);
  } catch (error) {
    if (error instanceof SheafError && error.code === 'key-missing') return [];
    throw error;
  }
}

/** A name for files under /etc/apt: apt reads none with other signs, and one that begins with "-" looks like an option. */
function fileName(distribution: string, suite: string): string {
  return `${distribution}-${suite}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

function suiteSection(
  suite: SuiteView,
  stanza: string | undefined,
  distribution: Pick<Distribution, 'name' | 'url'>,
  now: Date,
): Html {
  const name = fileName(distribution.name, suite.name);
  const { url } = distribution;
  const base = `${url}${repositoryPath(suite.repository)}`;
  const sources = `/etc/apt/sources.list.d/${name}.sources`;
  const keyring = `/etc/apt/keyrings/${name}.asc`;
  const withCurl = `curl -fsSL ${url}${sourcesPath(suite.name)} | sudo tee ${sources} >/dev/null && sudo apt-get update`;
  const oneLine =
    `sudo mkdir -p /etc/apt/keyrings && curl -fsSL ${url}${keyPath(suite.name)} | sudo tee ${keyring} >/dev/null && ` +
    `echo "deb [signed-by=${keyring}] ${base} ${suite.name} ${suite.components.join(' ')}" | ` +
    `sudo tee /etc/apt/sources.list.d/${name}.list >/dev/null && sudo apt-get update`;
  return html`<section class="install" aria-labelledby="suite-${suite.name}">
    <h2 id="suite-${suite.name}">
      <a href="${suitePath(suite.name)}">${suite.name}</a> ${suite.frozen ? chip('frozen') : ''}
    </h2>
    <p>${suite.description}</p>
    <p class="quiet">
      ${suite.architectures.join(', ')} · ${suite.components.join(', ')} · ${suite.sentence}
      ${suite.snapshot === undefined ? '' : moment(suite.snapshot.createdAt, now)}
    </p>
    ${suite.snapshot === undefined ? html`<p class="note">apt finds nothing here until the suite is published for the first time.</p>` : ''}
    ${stanza === undefined ? '' : ways(withCurl, sources, stanza, oneLine)} ${snapshotAddresses(suite, base, url)}
  </section>`;
}

/** Which suite, when there are several: each leads to its instructions. */
function suiteTable(suites: readonly SuiteView[], now: Date): Html {
  return html`<table class="suites">
    <thead>
      <tr>
        <th scope="col">Suite</th>
        <th scope="col">What it is</th>
        <th scope="col">Newest snapshot</th>
        <th scope="col" class="number">Binary packages</th>
      </tr>
    </thead>
    <tbody>
      ${suites.map(
        (suite) =>
          html`<tr>
            <th scope="row"><a href="#suite-${suite.name}">${suite.name}</a> ${suite.frozen ? chip('frozen') : ''}</th>
            <td>${suite.description}</td>
            <td class="quiet since">
              ${suite.snapshot === undefined ? 'none yet' : html`${suite.name}@${suite.snapshot.number}, ${moment(suite.snapshot.createdAt, now)}`}
            </td>
            <td class="number">${thousands(suite.binaries)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** How to stay on one snapshot: for images, and for whoever looks for what broke. */
function snapshotAddresses(suite: SuiteView, base: string, url: string): Html {
  const { snapshot } = suite;
  if (snapshot === undefined) return html``;
  return html`<details class="more">
    <summary>Stay on one snapshot</summary>
    <p>
      Every snapshot is kept for ever, at an address of its own. Put it in place of <code>${base}</code>; this is the
      newest:
    </p>
    ${command(`${url}${snapshotPath(suite.name, snapshot.number)}`)}
    <p>With apt 2.7 or newer, the address stays and the snapshot is named by its id:</p>
    ${command(`sudo apt-get -S ${snapshot.id} update`)}
    <p><a href="${suitePath(suite.name)}#snapshots">All snapshots of ${suite.name}, and what changed in each</a></p>
  </details>`;
}

function mirrorSection({ mirrors }: Pick<Distribution, 'mirrors'>, repository: Label): Html {
  const own = [...(mirrors?.values() ?? [])].filter((mirror) => mirror.repository === repository);
  if (own.length === 0) return html``;
  const kinds = { folder: 'a folder', rsync: 'by rsync', s3: 'an S3 store' } as const;
  return html`<section aria-labelledby="mirrors">
    <h2 id="mirrors">Mirrors</h2>
    <p>What is published here is also brought to:</p>
    <ul class="names">
      ${own.map(({ name, place }) => html`<li>${name} <span class="quiet">${kinds[place.kind]}</span></li>`)}
    </ul>
  </section>`;
}

function ways(withCurl: string, sources: string, stanza: string, oneLine: string): Html {
  return html`<h3>One command</h3>
    <div class="command">
      <pre><code>${withCurl}</code></pre>
      ${copyButton()}
    </div>
    <h3>By hand</h3>
    <p>Save this as <code>${sources}</code>, then run <code>sudo apt-get update</code>. The key is inside.</p>
    <div class="command tall">
      <pre tabindex="0"><code>${stanza}</code></pre>
      ${copyButton()}
    </div>
    <details class="more">
      <summary>The one-line format, for apt older than 2.4</summary>
      <div class="command">
        <pre><code>${oneLine}</code></pre>
        ${copyButton()}
      </div>
    </details>`;
}

function keySection(keys: readonly ArchiveKey[], repository: string, suite: string | undefined, now: Date): Html {
  return html`<section aria-labelledby="keys">
    <h2 id="keys">${keys.length === 1 ? 'The key' : 'The keys'} it is signed with</h2>
    ${
      keys.length === 0
        ? empty(
            'The repository has no signing key yet.',
            html`<p>Make it on the server:</p>
              ${command(`sheaf key create ${repository}`)}`,
          )
        : html`<p>Compare the fingerprint with one that you got another way.</p>
            <ul class="keys">
              ${keys.map(
                (key) =>
                  html`<li>
                    <code class="fingerprint">${grouped(key.fingerprint)}</code>
                    <span class="quiet">${validity(key, now)}</span>
                  </li>`,
              )}
            </ul>
            ${
              suite === undefined
                ? ''
                : html`<p>
                    <a href="${keyPath(suite)}">Download ${keys.length === 1 ? 'the key' : 'the keys'}</a>,
                    ASCII-armored
                  </p>`
            }`
    }
  </section>`;
}

function validity({ created, expires }: ArchiveKey, now: Date): Html {
  const from = created > now ? html`valid ${moment(created, now)}` : html`made ${day(created)}`;
  if (expires === undefined) return html`${from}, without an end`;
  return expires <= now ? html`${from}, expired ${day(expires)}` : html`${from}, good until ${day(expires)}`;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** A fingerprint in groups of four. */
export function grouped(fingerprint: string): string {
  return (
    fingerprint
      .toUpperCase()
      .match(/.{1,4}/g)
      ?.join(' ') ?? ''
  );
}
