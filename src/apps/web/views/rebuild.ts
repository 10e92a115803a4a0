/** `/rebuild/ID`: the verdict on each file, its causes, and the difference beside the log. */
import { html } from 'hono/html';

import { formatSize } from '../../../kit/bytes.ts';
import type { Sha256 } from '../../../kit/digest.ts';
import type { Cause, RebuildResult } from '../../../model/rebuild.ts';
import { formatComparison, type DebComparison } from '../../../rebuild/compare/mod.ts';
import {
  believedRebuilders,
  describeCause,
  describeRebuild,
  describeRebuilder,
  findRebuilds,
  type Believed,
  type Rebuild,
} from '../../../rebuild/mod.ts';
import { chip } from '../parts/chip.ts';
import { facts, hash, wide } from '../parts/common.ts';
import type { Html } from '../parts/html.ts';
import { moment, span } from '../parts/time.ts';
import { jobPath, lockPath, packagePath, rebuildBlobPath, rebuildPath, withQuery } from '../path.ts';
import type { BlobReader } from '../ports.ts';
import { idParam, type ViewFunction } from './view.ts';

/** Bytes of a difference, and of the end of a log, that a page shows. */
const mostShown = 256 * 1024;

/**
 * What another rebuilder names is not shown: it could name any blob of ours, also one that nobody is to see.
 */
export const rebuildView: ViewFunction = async (context) => {
  const { deps, now } = context;
  const id = idParam(context);
  const [rebuild] = id === undefined ? [] : await findRebuilds(deps.db, { id });
  if (rebuild === undefined) return undefined;
  const { result } = rebuild;
  const believed = believedRebuilders(deps.distribution);
  const others = (await findRebuilds(deps.db, { name: result.source, version: result.version })).filter(
    (each) => each.id !== rebuild.id && each.result.source === result.source,
  );
  const shown: Pick<RebuildResult, 'difference' | 'log'> = rebuild.origin === 'own' ? result : {};
  const [difference, log] = await Promise.all([
    readDifference(deps.blobs, shown.difference),
    readText(deps.blobs, shown.log, 'end'),
  ]);
  return {
    title: `Rebuild ${rebuild.id}: ${result.source} ${result.version}`,
    section: 'rebuilds',
    isLive: false,
    body: html`<p class="crumb"><a href="/rebuilds">Rebuilds</a></p>
      <h1>${result.source} ${result.version} <span class="sub">${result.architecture}, rebuild ${rebuild.id}</span></h1>
      <p class="lead">${chip(result.verdict)} ${describeRebuild(result)}</p>
      ${rebuildFacts(rebuild, describeRebuilder(rebuild, believed), now)} ${causes(result)} ${files(result)}
      ${
        difference === undefined && log === undefined
          ? ''
          : html`<div class="beside">
              ${textPane(rebuild, 'Difference', difference, result.difference)}
              ${textPane(rebuild, 'Log', log, result.log)}
            </div>`
      }
      ${otherRebuilds(others, believed, now)}`,
  };
};

function rebuildFacts({ id, origin, job, statement, place, result }: Rebuild, by: string, now: Date): Html {
  const { lock, buildinfo, diffoscope } = result;
  const blob = (digest: Sha256 | undefined) => {
    if (digest === undefined) return undefined;
    return hash(digest, origin === 'own' ? rebuildBlobPath(id, digest) : undefined);
  };
  return facts([
    ['Package', html`<a href="${packagePath(result.source)}">${result.source}</a>`],
    [
      'Published in',
      place === undefined ? undefined : html`<a href="${withQuery('/rebuilds', { place })}">${place}</a>`,
    ],
    ['Mode', result.mode],
    ['By', by],
    ['Job', job === undefined ? undefined : html`<a href="${jobPath(job)}">${job}</a>`],
    ['Finished', moment(new Date(result.finishedOn), now)],
    ['Took', span(new Date(result.startedOn), new Date(result.finishedOn), now)],
    ...Object.entries(result.conditions).map(([name, value]) => [labelOf(name), value] as const),
    ['Lock', lock === undefined ? undefined : wide(hash(lock, origin === 'own' ? lockPath(lock) : undefined))],
    ['Followed .buildinfo', wide(blob(buildinfo))],
    ['diffoscope', wide(blob(diffoscope))],
    ['Signed statement', wide(hash(statement, `/api/v1/rebuilds/statements/${statement}`))],
  ]);
}

/** `build-path` → `Build path` */
function labelOf(condition: string): string {
  return `${condition.slice(0, 1).toUpperCase()}${condition.slice(1).replaceAll('-', ' ')}`;
}

function causes({ verdict, causes: found, experiments }: RebuildResult): Html {
  return html`${
    found.length === 0
      ? ''
      : html`<section aria-labelledby="causes">
          <h2 id="causes">${verdict === 'reproduced' ? 'What had to be restored' : 'Why'}</h2>
          <ul class="reasons">
            ${found.map(
              (each) =>
                html`<li>
                  <p class="reason"><code>${each.kind}</code> ${each.detail}</p>
                  <p class="hint">${proofOf(each)}</p>
                </li>`,
            )}
          </ul>
        </section>`
  }
  ${
    experiments.length === 0
      ? ''
      : html`<section aria-labelledby="experiments">
          <h2 id="experiments">Experiments</h2>
          <table class="experiments">
            <thead>
              <tr>
                <th scope="col">Restored</th>
                <th scope="col">Verdict</th>
                <th scope="col" class="number">Took</th>
              </tr>
            </thead>
            <tbody>
              ${experiments.map(
                (each) =>
                  html`<tr>
                    <th scope="row">${each.restored}</th>
                    <td>${chip(each.verdict)}</td>
                    <td class="number">${Math.round(each.seconds)} s</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </section>`
  }`;
}

function files({ files: all }: RebuildResult): Html {
  return html`<section aria-labelledby="files">
    <h2 id="files">Files</h2>
    <table class="rebuilt-files">
      <thead>
        <tr>
          <th scope="col">File</th>
          <th scope="col">Verdict</th>
          <th scope="col">Published</th>
          <th scope="col">Rebuilt</th>
        </tr>
      </thead>
      <tbody>
        ${all.map(
          ({ file, verdict, original, rebuilt }) =>
            html`<tr>
              <th scope="row">${file}</th>
              <td>${chip(verdict)}</td>
              <td class="why">${hash(original.sha256)} <span class="quiet">${formatSize(original.size)}</span></td>
              <td class="why">
                ${
                  rebuilt === undefined
                    ? ''
                    : verdict === 'reproduced'
                      ? 'the same bytes'
                      : html`${hash(rebuilt.sha256)} <span class="quiet">${formatSize(rebuilt.size)}</span>`
                }
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

function textPane({ id }: Rebuild, title: string, text: string | undefined, digest: Sha256 | undefined): Html {
  if (text === undefined || digest === undefined) return html``;
  const name = title.toLowerCase();
  return html`<section class="log-section" aria-labelledby="${name}">
    <div class="log-head">
      <h2 id="${name}">${title}</h2>
      <a href="${rebuildBlobPath(id, digest)}">Whole, as text</a>
    </div>
    <pre class="log" tabindex="0" aria-label="${title}">${text}</pre>
  </section>`;
}

function otherRebuilds(others: readonly Rebuild[], believed: Believed, now: Date): Html {
  if (others.length === 0) return html``;
  return html`<section aria-labelledby="others">
    <h2 id="others">Other rebuilds of this version</h2>
    ${rebuildList(others, believed, now)}
  </section>`;
}

export function rebuildList(rebuilds: readonly Rebuild[], believed: Believed, now: Date): Html {
  return html`<ul class="plain">
    ${rebuilds.slice(0, 20).map(
      ({ id, result, ...by }) =>
        html`<li>
          ${chip(result.verdict)} <a href="${rebuildPath(id)}">rebuild ${id}</a> for ${result.architecture} by
          ${describeRebuilder(by, believed)}${result.causes.length === 0 ? '' : html`: ${result.causes.map(describeCause).join(', ')}`}
          <span class="quiet">${moment(new Date(result.finishedOn), now)}</span>
        </li>`,
    )}
  </ul>`;
}

/** The comparison in words; as it is when it is not of the form that we know. */
async function readDifference(blobs: BlobReader, digest: Sha256 | undefined): Promise<string | undefined> {
  const text = await readText(blobs, digest, 'beginning');
  if (text === undefined) return undefined;
  try {
    const comparisons = Object.values(JSON.parse(text) as Record<string, DebComparison>);
    return comparisons.map(formatComparison).join('\n');
  } catch {
    return text;
  }
}

/** Undefined when the blob is not here. */
async function readText(
  blobs: BlobReader,
  digest: Sha256 | undefined,
  part: 'beginning' | 'end',
): Promise<string | undefined> {
  const info = digest === undefined ? undefined : await blobs.info(digest);
  if (digest === undefined || info === undefined) return undefined;
  let skip = part === 'end' ? Math.max(0, info.size - mostShown) : 0;
  const chunks: Uint8Array[] = [];
  let have = 0;
  for await (const chunk of blobs.stream(digest)) {
    const rest = chunk.subarray(Math.min(skip, chunk.length));
    skip -= chunk.length - rest.length;
    chunks.push(rest.subarray(0, mostShown - have));
    have += chunks.at(-1)!.length;
    if (have >= mostShown) break;
  }
  return Buffer.concat(chunks)
    .toString()
    .replaceAll(/[^\P{Cc}\n\t]/gu, '');
}

function proofOf({ kind, confirmed, explains }: Cause): string {
  if (!confirmed) return 'A guess from what differs; no experiment has confirmed it.';
  if (explains !== undefined) return `Confirmed for a part: with it restored, these agreed: ${explains}`;
  return kind === 'unstable'
    ? 'Confirmed: the same build, made twice, gave different bytes.'
    : 'Confirmed: with it restored, the bytes agreed.';
}
