/** `/new` and `/new/NUMBER`: uploads with names that the repository never had, and what people say about them. */
import { html, raw } from 'hono/html';

import { formatSize } from '../../../kit/bytes.ts';
import type { UploadDescription } from '../../../flows/describe-upload.ts';
import {
  findNewUpload,
  formatLintianTag,
  listComments,
  listNewUploads,
  summariseLintian,
  type NewUpload,
  type UploadComment,
} from '../../../upload/mod.ts';
import type { Visitor } from '../manage/visitor.ts';
import { chip } from '../parts/chip.ts';
import { empty, facts } from '../parts/common.ts';
import { foreign } from '../parts/foreign.ts';
import type { Html } from '../parts/html.ts';
import { actionForm, lineField, whatIsMissing } from '../parts/manage.ts';
import { moment } from '../parts/time.ts';
import { fileTable } from '../parts/timeline.ts';
import { newPath, packagePath, suitePath, withQuery } from '../path.ts';
import { idParam, queryText, type ViewFunction } from './view.ts';

export const newQueueView: ViewFunction = async (context) => {
  const { deps, now } = context;
  const isAll = queryText(context, 'all') !== undefined;
  const uploads = await listNewUploads(deps.db, { all: isAll });
  const holding = [...deps.distribution.suites.values()].filter((suite) => suite.newPackages === 'hold');
  return {
    title: 'NEW',
    section: 'new',
    isLive: true,
    body: html`<h1>
        NEW <span class="sub">Uploads with package names that the repository never had wait here for a person</span>
      </h1>
      ${
        uploads.length === 0
          ? empty(
              isAll ? 'Nothing ever waited.' : 'Nothing waits.',
              holding.length === 0
                ? html`<p>
                    New names are accepted at once: no suite has <code>new = "hold"</code> in <code>sheaf.toml</code>.
                  </p>`
                : html`<p>Held for a person: new names in ${holding.map(({ name }) => name).join(', ')}.</p>`,
            )
          : html`<ul class="cards">
              ${uploads.map((upload) => uploadCard(upload, now))}
            </ul>`
      }
      <nav class="pager" aria-label="Which uploads">
        ${isAll ? html`<a href="/new">Only those that wait</a>` : html`<a href="${withQuery('/new', { all: 1 })}">Also those that are decided</a>`}
      </nav>`,
  };
};

function uploadCard(upload: NewUpload, now: Date): Html {
  const size = upload.files.reduce((sum, file) => sum + file.size, 0);
  return html`<li class="card">
    <h2>
      <a href="${newPath(upload.id)}">${upload.source} ${upload.version}</a>
      <span class="to">for <a href="${suitePath(upload.suite)}">${upload.suite}</a></span> ${chip(upload.state)}
    </h2>
    <p>New: ${upload.names.map((name) => html`<code>${foreign(name)}</code> `)}</p>
    ${upload.lintian === undefined ? '' : html`<p>${foreign(summariseLintian(upload.lintian))}</p>`}
    <p class="quiet">
      NEW ${upload.id}, ${signerOf(upload)}, ${upload.files.length} files of ${formatSize(size)}, came
      ${moment(upload.receivedAt, now)}${decided(upload, now)}
    </p>
  </li>`;
}

function signerOf({ signer }: NewUpload): string {
  return signer === undefined ? 'unsigned, vouched for on the server' : `signed by ${signer}`;
}

function decided({ state, decidedAt, decidedBy }: NewUpload, now: Date): Html {
  if (state === 'NEW') return html``;
  return html`; ${state.toLowerCase()} ${moment(decidedAt, now)} by ${foreign(decidedBy ?? '')}`;
}

export const newUploadView: ViewFunction = async (context) => {
  const { deps, now, visitor } = context;
  const id = idParam(context);
  const upload = id === undefined ? undefined : await findNewUpload(deps.db, id);
  if (upload === undefined) return undefined;
  const [comments, described] = await Promise.all([listComments(deps.db, upload.id), deps.actions.describe(upload)]);
  return {
    title: `NEW ${upload.id}: ${upload.source} ${upload.version}`,
    section: 'new',
    isLive: false,
    body: html`<p class="crumb"><a href="/new">NEW</a></p>
      <h1>
        ${upload.source} ${upload.version}
        <span class="sub">NEW ${upload.id}, for <a href="${suitePath(upload.suite)}">${upload.suite}</a></span>
      </h1>
      ${decisionLine(upload, now)}
      ${facts([
        ['New names', html`${upload.names.map((name) => html`<code>${foreign(name)}</code> `)}`],
        ['Signed by', upload.signer ?? 'nobody: vouched for on the server'],
        [upload.state === 'NEW' ? 'Waits since' : 'Came', moment(upload.receivedAt, now)],
        ['Source package', html`<a href="${packagePath(upload.source)}">${upload.source}</a>`],
      ])}
      <section aria-labelledby="decide">
        <h2 id="decide">${upload.state === 'NEW' ? 'Decide' : 'Say something'}</h2>
        ${decide(upload, visitor) ?? whatIsMissing(deps.distribution, upload.suite, visitor) ?? ''}
      </section>
      ${commentSection(comments, now)} ${lintianSection(upload)} ${packageSection(described)}
      <section aria-labelledby="files">
        <h2 id="files">Files</h2>
        ${fileTable(upload.files)}
      </section>
      ${
        described.changes === undefined
          ? ''
          : html`<section aria-labelledby="changes">
              <h2 id="changes">The .changes</h2>
              <pre class="text" tabindex="0">${foreign(described.changes, 210_000)}</pre>
            </section>`
      }`,
  };
};

function decisionLine(upload: NewUpload, now: Date): Html {
  if (upload.state === 'NEW') return html`<p class="lead">${chip('NEW')} It waits for a decision.</p>`;
  const { decidedAt, decidedBy, reason } = upload;
  return html`<p class="lead">
    ${chip(upload.state)} by ${foreign(decidedBy ?? '')}
    ${moment(decidedAt, now)}${reason === undefined ? '' : html`: ${foreign(reason, 2000)}`}
  </p>`;
}

function decide(upload: NewUpload, visitor: Visitor | undefined): Html | undefined {
  if (visitor?.may(upload.suite) !== true) return undefined;
  const comment = html`<label class="field">
    <span>Comment <span class="quiet">the uploader is told</span></span>
    <textarea name="text" rows="3" maxlength="10000" required></textarea>
  </label>`;
  const path = newPath(upload.id);
  return html`<div class="choices">
    ${
      upload.state === 'NEW'
        ? html`${actionForm(visitor, `${path}/accept`, {
            fields: lineField('reason', 'Remark', { hint: 'if there is something to say' }),
            label: `Accept into ${upload.suite}`,
          })}
          ${actionForm(visitor, `${path}/reject`, {
            fields: lineField('reason', 'Reason', { hint: 'the uploader is told', isNeeded: true }),
            label: 'Reject for good',
            isDangerous: true,
          })}`
        : ''
    }
    ${actionForm(visitor, `${path}/comment`, { fields: comment, label: 'Comment' })}
  </div>`;
}

function commentSection(comments: readonly UploadComment[], now: Date): Html {
  if (comments.length === 0) return html``;
  return html`<section aria-labelledby="comments">
    <h2 id="comments">Comments</h2>
    <ol class="comments">
      ${comments.map(
        (comment) =>
          html`<li id="comment-${comment.id}">
            <p class="quiet"><b>${foreign(comment.author)}</b> ${moment(comment.at, now)}</p>
            <div class="said">${foreign(comment.text, 10_000)}</div>
          </li>`,
      )}
    </ol>
  </section>`;
}

function packageSection({ packages, others }: UploadDescription): Html {
  if (packages.length === 0) return html``;
  return html`<section aria-labelledby="packages">
    <h2 id="packages">Binary packages</h2>
    ${packages.map(
      ({ file, name, isNew, control }) =>
        html`<details class="more" ${raw(isNew ? 'open' : '')}>
          <summary>
            ${foreign(name ?? file.name)} ${isNew ? chip('NEW') : ''} <span class="quiet">${file.name}</span>
          </summary>
          <pre class="text" tabindex="0">${foreign(control, 21_000)}</pre>
        </details>`,
    )}
    ${others > 0 ? html`<p class="quiet">and ${others} more, listed below</p>` : ''}
  </section>`;
}

const mostTags = 500;

function lintianSection({ lintian }: NewUpload): Html {
  if (lintian === undefined) return html``;
  return html`<section aria-labelledby="lintian">
    <h2 id="lintian">Lintian</h2>
    <p>${foreign(summariseLintian(lintian))}</p>
    ${
      lintian.length === 0
        ? ''
        : html`<pre class="text" tabindex="0">
${lintian
  .slice(0, mostTags)
  .map((tag) => foreign(formatLintianTag(tag)))
  .join('\n')}</pre>`
    }
  </section>`;
}
