/** `/lock/SHA256`: an environment that builds had; `/lock/A...B`, or with `?with=A`: what differs between two. */
import { html, raw } from 'hono/html';

import { isSha256 } from '../../../kit/digest.ts';
import { formatSize } from '../../../kit/bytes.ts';
import type { Lock, LockedPackage, LockSource } from '../../../model/lock.ts';
import { listLocks, type LockUse } from '../../../tracker/mod.ts';
import { downloadSize, readKeptLock } from '../../kept-locks.ts';
import { address, empty, facts, hash, shortHash, thousands, wide } from '../parts/common.ts';
import { foreign } from '../parts/foreign.ts';
import type { Html } from '../parts/html.ts';
import { comparePath, lockPath, viewerPath } from '../path.ts';
import { jobTable } from './jobs.ts';
import { lockDifference } from './lock/difference.ts';
import { sizePicture } from './lock/sizes.ts';
import { queryText, type View, type ViewContext, type ViewFunction } from './view.ts';

const mostChoices = 30;

export const lockView: ViewFunction = async (context) => {
  const asked = readQuestion(context);
  if (asked === undefined) return undefined;
  const { deps, now } = context;
  const found = await readKeptLock(deps, asked.sha256);
  if (found === undefined) return undefined;
  const { lock, jobs } = found;
  const difference = lock === undefined ? undefined : await compareWith(context, asked, lock);
  const uses = html`<section aria-labelledby="uses">
    <h2 id="uses">What uses it</h2>
    ${jobTable(jobs, now)}
  </section>`;
  const view: Pick<View, 'title' | 'section' | 'isLive'> = {
    title: `Lock ${asked.sha256.slice(0, 12)}`,
    section: 'jobs',
    isLive: false,
  };
  const head = html`<h1>Lock <span class="sub">An exact list of packages: the environment of builds</span></h1>`;
  if (lock === undefined) {
    const missing = empty('The file of this lock is not here.', html`<p>${hash(asked.sha256)}</p>`);
    return { ...view, status: 404, body: html`${head} ${missing} ${uses}` };
  }
  return {
    ...view,
    body: html`${head}
      ${facts([
        ['Architecture', lock.architecture],
        ['Packages', thousands(lock.packages.length)],
        ['To download', formatSize(downloadSize(lock))],
        ['SHA-256 of its file', wide(hash(asked.sha256))],
      ])}
      ${compareForm(asked, await otherLocks(context, asked.sha256, lock))} ${difference ?? ''}
      <section aria-labelledby="sizes">
        <h2 id="sizes">What takes the room</h2>
        ${sizePicture(lock)}
      </section>
      ${sourceSection(lock.sources)} ${uses} ${packageSection(lock.packages)}`,
  };
};

type Question = { readonly sha256: string; readonly with: string | undefined };

function readQuestion(context: ViewContext): Question | undefined {
  const [first = '', second, ...more] = (context.params['name'] ?? '').split('...');
  const other = second === undefined ? queryText(context, 'with') : first;
  const sha256 = second ?? first;
  if (more.length > 0 || !isSha256(sha256)) return undefined;
  return { sha256, with: other !== undefined && isSha256(other) ? other : undefined };
}

async function compareWith({ deps }: ViewContext, asked: Question, lock: Lock): Promise<Html | undefined> {
  if (asked.with === undefined) return undefined;
  const other = (await readKeptLock(deps, asked.with, 1))?.lock;
  if (other === undefined) return empty('The lock to compare with is not here.', html`<p>${hash(asked.with)}</p>`);
  return lockDifference({ sha256: asked.with, lock: other }, { sha256: asked.sha256, lock });
}

async function otherLocks({ deps }: ViewContext, sha256: string, { architecture }: Lock): Promise<LockUse[]> {
  const { items } = await listLocks(deps.db, { limit: mostChoices });
  return items.filter((each) => each.sha256 !== sha256 && [architecture, 'all'].includes(each.architecture as never));
}

function compareForm(asked: Question, others: readonly LockUse[]): Html {
  if (others.length === 0) return html``;
  return html`<form class="filter" method="get" action="${lockPath(asked.sha256)}">
    <label for="with">Compare with</label>
    <select id="with" name="with">
      ${others.map(
        ({ sha256, source, version, architecture, job }) =>
          html`<option value="${sha256}" ${raw(sha256 === asked.with ? 'selected' : '')}>
            ${source} ${version} ${architecture}, job ${job}
          </option>`,
      )}
    </select>
    <button type="submit">Show what differs</button>
  </form>`;
}

function sourceSection(sources: readonly LockSource[]): Html {
  if (sources.length === 0) return html``;
  return html`<section aria-labelledby="sources">
    <h2 id="sources">Who vouches for it</h2>
    ${sources.map(({ url, suite, components, snapshot, inRelease, keys, date }) =>
      facts([
        ['Suite', suite],
        ['Archive', address(url)],
        ['Components', components?.join(', ')],
        ['Of', date],
        [
          'Snapshot',
          snapshot === undefined
            ? undefined
            : html`<a href="${comparePath(undefined, snapshot)}">${foreign(snapshot)}</a>`,
        ],
        ['Signed by', keys === undefined || keys.length === 0 ? undefined : html`${keys.map((key) => shortHash(key))}`],
        ['SHA-256 of InRelease', wide(hash(inRelease))],
      ]),
    )}
  </section>`;
}

function packageSection(packages: readonly LockedPackage[]): Html {
  return html`<section aria-labelledby="packages">
    <h2 id="packages">Packages</h2>
    <table class="lock-packages">
      <thead>
        <tr>
          <th scope="col">Package</th>
          <th scope="col">Version</th>
          <th scope="col" class="number">Size</th>
          <th scope="col" class="optional">SHA-256</th>
        </tr>
      </thead>
      <tbody>
        ${packages.map(
          ({ name, version, architecture, size, sha256 }) =>
            html`<tr>
              <th scope="row">
                <a href="${viewerPath({ kind: 'binary', name, arch: architecture })}">${foreign(name)}</a
                ><span class="quiet">:${architecture}</span>
              </th>
              <td class="version">${foreign(version)}</td>
              <td class="number">${formatSize(size)}</td>
              <td class="optional">${shortHash(sha256)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}
