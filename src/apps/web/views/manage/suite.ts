/** Pages that ask before something is done to a suite: publish, freeze, thaw, copy, roll back. */
import { html, raw } from 'hono/html';

import type { OperationResult } from '../../../../archive/mod.ts';
import { SheafError } from '../../../../kit/error.ts';
import type { Suite } from '../../../../model/distribution.ts';
import { listSuites } from '../../../../tracker/mod.ts';
import type { Visitor } from '../../manage/visitor.ts';
import { foreign } from '../../parts/foreign.ts';
import type { Html } from '../../parts/html.ts';
import { actionForm, lineField, whatIsMissing } from '../../parts/manage.ts';
import { moment } from '../../parts/time.ts';
import { changesLine } from '../../parts/changes.ts';
import { comparePath, suiteActionPath, suitePath } from '../../path.ts';
import type { View, ViewContext, ViewFunction } from '../view.ts';
import { forbiddenView, refusedView } from './trouble.ts';

type Asked = { readonly suite: Suite; readonly visitor: Visitor };

/** A page that only those see who may manage the suite. */
function askingView(
  title: (suite: string) => string,
  body: (asked: Asked, context: ViewContext) => Promise<Html | View>,
): ViewFunction {
  return async (context) => {
    const { deps, params, visitor } = context;
    const suite = [...deps.distribution.suites.values()].find(({ name }) => name === params['name']);
    if (suite === undefined) return undefined;
    const missing = whatIsMissing(deps.distribution, suite.name, visitor);
    if (missing !== undefined || visitor === undefined) return forbiddenView(title(suite.name), missing ?? html``);
    const shown = await body({ suite, visitor }, context);
    if ('body' in shown) return shown;
    return page(title(suite.name), suite.name, shown);
  };
}

function page(title: string, suite: string, body: Html): View {
  return {
    title,
    section: 'suites',
    isLive: false,
    body: html`<p class="crumb"><a href="${suitePath(suite)}">Suite ${suite}</a></p>
      <h1>${title}</h1>
      ${body}`,
  };
}

const reason = lineField('reason', 'Reason', { hint: 'the audit trail keeps it' });

export const publishPage = askingView(
  (suite) => `Publish ${suite} now`,
  async ({ suite, visitor }, { deps, now }) => {
    const [view] = await listSuites(deps.db, [suite], now);
    return html`<p>${view?.sentence ?? ''}</p>
      <p>
        A new snapshot is made and signed, also when nothing has changed: that renews its Release. Sheaf does the same
        by itself after every change.
      </p>
      ${actionForm(visitor, suiteActionPath(suite.name, 'publish'), { label: `Publish ${suite.name}` })}`;
  },
);

export const freezePage = askingView(
  (suite) => `Freeze ${suite}`,
  async ({ suite, visitor }) =>
    html`<p>
        Until it is thawed, ${suite.name} takes no new packages: no tag is admitted, no upload accepted, nothing copied
        or rolled back. What was admitted before goes on, and its Release is renewed.
      </p>
      ${actionForm(visitor, suiteActionPath(suite.name, 'freeze'), { fields: reason, label: `Freeze ${suite.name}` })}`,
);

export const thawPage = askingView(
  (suite) => `Thaw ${suite}`,
  async ({ suite, visitor }, { deps, now }) => {
    const [view] = await listSuites(deps.db, [suite], now);
    if (suite.frozen) {
      return html`<p>
        <code>sheaf.toml</code> freezes it: only somebody with the distribution's folder can set
        <code>frozen = false</code> there.
      </p>`;
    }
    const freeze = view?.freeze;
    if (freeze === undefined) return html`<p>It is not frozen.</p>`;
    return html`<p>
        Frozen by ${freeze.by}
        ${moment(freeze.since, now)}${freeze.reason === undefined ? '' : html`: ${foreign(freeze.reason, 1000)}`}.
      </p>
      ${actionForm(visitor, suiteActionPath(suite.name, 'thaw'), { fields: reason, label: `Thaw ${suite.name}` })}`;
  },
);

export type CopyQuestion = {
  readonly from: string;
  readonly packages: readonly string[];
  readonly reason: string | undefined;
};

export const copyPage = askingView(
  (suite) => `Copy packages into ${suite}`,
  async ({ suite, visitor }, { deps }) => {
    const others = [...deps.distribution.suites.values()].filter(
      (each) => each.repository === suite.repository && each.name !== suite.name,
    );
    if (others.length === 0) return html`<p>Its repository has no other suite to copy from.</p>`;
    const fields = html`<label class="field">
        <span>From</span>
        <select name="from">
          ${others.map(({ name }) => html`<option value="${name}">${name}</option>`)}
        </select>
      </label>
      ${lineField('packages', 'Source packages', { hint: 'NAME or NAME=VERSION, with spaces between', isNeeded: true })}
      ${reason}`;
    return html`<p>
        Source packages with all their binaries, as they are in the newest snapshot of the other suite. The files stay
        the same; versions never go backwards.
      </p>
      ${actionForm(visitor, suiteActionPath(suite.name, 'copy'), { fields, label: 'Show what would change' })}`;
  },
);

/** What a copy would change, and the button that does it. */
export function copyPreview(suite: string, visitor: Visitor, question: CopyQuestion, result: OperationResult): View {
  const title = `Copy packages into ${suite}`;
  const back = suiteActionPath(suite, 'copy');
  if (result.kind === 'refused') return refusedView(title, result.reasons, back);
  const fields = html`<input type="hidden" name="from" value="${question.from}" />
    <input type="hidden" name="packages" value="${question.packages.join(' ')}" />
    <input type="hidden" name="reason" value="${question.reason ?? ''}" />
    <input type="hidden" name="step" value="do" />`;
  return page(
    title,
    suite,
    html`<p>From ${question.from}${question.reason === undefined ? '' : html`: ${question.reason}`}</p>
      ${changeList(result)}
      ${result.entering.length === 0 ? '' : actionForm(visitor, back, { fields, label: 'Copy and publish' })}`,
  );
}

export const rollbackPage = askingView(
  (suite) => `Roll back ${suite}`,
  async ({ suite, visitor }, context) => {
    const { deps, params } = context;
    const number = params['number'] ?? '';
    const place = `${suite.name}@${number}`;
    const title = `Roll back to ${place}`;
    const request = { suite: suite.name, snapshot: number, by: visitor.person, reason: undefined, dryRun: true };
    const result = await deps.actions.rollBack(request).catch((error: unknown) => {
      if (error instanceof SheafError && error.code === 'no-snapshot') return undefined;
      throw error;
    });
    if (result === undefined) return refusedView(title, [`${place} was never published.`], suitePath(suite.name));
    if (result.kind === 'refused') return refusedView(title, result.reasons, suitePath(suite.name));
    const changes = result.entering.length + result.leaving.length;
    const fields = html`${reason}<input type="hidden" name="snapshot" value="${number}" />`;
    return page(
      title,
      suite.name,
      html`<p>
          The packages of ${place}, exactly those versions, become the newest snapshot. Nothing is deleted: every
          snapshot stays at its own address. Clients that have newer versions keep them until apt is told to downgrade.
        </p>
        ${await comparison(context, suite.name, place)} ${changeList(result)}
        ${
          changes === 0
            ? ''
            : actionForm(visitor, suiteActionPath(suite.name, 'rollback'), { fields, label: title, isDangerous: true })
        }`,
    );
  },
);

/** The counts of what differs, where both are recorded already. */
async function comparison({ deps }: ViewContext, suite: string, place: string): Promise<Html> {
  try {
    const { counts } = await deps.compare(suite, place, { limit: 1 });
    return html`<div class="summary">
      ${changesLine(counts)} <a href="${comparePath(suite, place)}">Compare them in full</a>
    </div>`;
  } catch (error) {
    if (error instanceof SheafError) return html``;
    throw error;
  }
}

const mostListed = 500;

function changeList({ entering, leaving, leftOut }: Extract<OperationResult, { kind: 'done' }>): Html {
  if (entering.length + leaving.length + leftOut.length === 0) return html`<p class="note">Nothing would change.</p>`;
  const lists = [
    ['enters', 'What comes in', entering],
    ['leaves', 'What goes', leaving],
    ['stays', 'Left out: the suite does not have the architecture', leftOut],
  ] as const;
  return html`${lists
    .filter(([, , items]) => items.length > 0)
    .map(
      ([tone, title, items]) =>
        html`<h2 class="change-title">${title} <span class="quiet">${items.length}</span></h2>
          <ul class="change-list ${raw(tone)}">
            ${items.slice(0, mostListed).map((item) => html`<li>${item}</li>`)}
            ${items.length > mostListed ? html`<li class="quiet">and ${items.length - mostListed} more</li>` : ''}
          </ul>`,
    )}`;
}
