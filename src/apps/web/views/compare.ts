/** `/compare?a=…&b=…`: what differs between two places; without `a`, what `b` changed of the snapshot before it. */
import { html } from 'hono/html';

import { changeClasses, type ChangeClass, type PackageChange, type PackageKind } from '../../../compare/mod.ts';
import type { CompareOptions, PlaceComparison } from '../../../flows/compare-places.ts';
import { listTrackedSuites, type TrackedSuite } from '../../../history/mod.ts';
import { SheafError } from '../../../kit/error.ts';
import { formatSuiteRef } from '../../../model/index-history.ts';
import { command, empty, pager, shortHash, thousands } from '../parts/common.ts';
import { foreign } from '../parts/foreign.ts';
import type { Html } from '../parts/html.ts';
import { comparePath, viewerPath, withQuery } from '../path.ts';
import { compareForm, type CompareQuestion } from './compare/form.ts';
import { sourceTable } from './compare/sources.ts';
import { queryText, type ViewContext, type ViewFunction } from './view.ts';

const sourcesOnPage = 50;
const alarmsOnPage = 20;

export const compareView: ViewFunction = async (context) => {
  const question = readQuestion(context);
  const suites = await listTrackedSuites(context.deps.db);
  const places = suites.map(formatSuiteRef);
  const answer = question.b === undefined ? undefined : await ask(context, question, question.b);
  const isFound = answer === undefined || !(answer instanceof SheafError);
  return {
    title: titleOf(question),
    section: 'compare',
    isLive: false,
    status: isFound ? 200 : 404,
    body: html`<h1>Compare <span class="sub">What differs between two suites, snapshots or days</span></h1>
      ${compareForm(question, places)}
      ${
        answer === undefined
          ? startHere(suites)
          : answer instanceof SheafError
            ? trouble(answer)
            : difference(answer, question, queryText(context, 'after'))
      }`,
  };
};

function titleOf({ a, b }: CompareQuestion): string {
  if (b === undefined) return 'Compare';
  return foreign(a === undefined ? `What changed in ${b}` : `${a} compared with ${b}`, 200);
}

function readQuestion(context: ViewContext): CompareQuestion {
  const [a, b] = [queryText(context, 'a')?.trim(), queryText(context, 'b')?.trim()];
  const kind = queryText(context, 'kind');
  const only = queryText(context, 'only');
  return {
    // One place alone is asked for its last change, whichever field it stands in.
    a: b === undefined || b === '' || a === '' ? undefined : a,
    b: b === undefined || b === '' ? (a === '' ? undefined : a) : b,
    kind: (['binary', 'source'] as const).find((each) => each === kind),
    only: changeClasses.find((each) => each === only),
    name: queryText(context, 'name'),
    component: queryText(context, 'component'),
    arch: queryText(context, 'arch'),
  };
}

/** What a visitor may have mistyped is an answer; everything else is an error of ours. */
async function ask(
  { deps, query }: ViewContext,
  question: CompareQuestion,
  b: string,
): Promise<PlaceComparison | SheafError> {
  const { a, kind, only, name, component, arch } = question;
  const options: CompareOptions = {
    kinds: kind === undefined ? undefined : [kind],
    only: only === undefined ? undefined : [only],
    names: name === undefined ? undefined : [name.includes('*') ? name : `*${name}*`],
    components: component === undefined ? undefined : [component],
    architectures: arch === undefined ? undefined : [arch],
    limit: sourcesOnPage,
    after: query.get('after')?.slice(0, 300) ?? undefined,
  };
  try {
    return await deps.compare(a, b, options);
  } catch (error) {
    if (error instanceof SheafError && error.kind === 'usage') return error;
    throw error;
  }
}

function difference(comparison: PlaceComparison, question: CompareQuestion, after: string | undefined): Html {
  const { left, right, alarms, sources, total, next } = comparison;
  // Named in full, so that the page says the same tomorrow.
  const asked: CompareQuestion = { ...question, a: left.place, b: right.place };
  return html`${alarms.length === 0 ? '' : alarmSection(alarms, asked)}
    <section aria-labelledby="difference">
      <h2 id="difference">${foreign(left.place)} → ${foreign(right.place)}</h2>
      ${countLines(comparison, asked)}
      ${comparison.leftOut.map(
        ({ place, what }) => html`<p class="quiet">Left out: ${foreign(what)}, which only ${foreign(place)} has.</p>`,
      )}
      ${
        total === 0
          ? nothing(asked)
          : html`<p class="quiet">${thousands(total)} source ${total === 1 ? 'package' : 'packages'}:</p>
              ${sourceTable(sources, comparison)}`
      }
      ${pager({ items: sources, next }, '/compare', { ...asked, after })}
    </section>`;
}

/** Each number leads to the changes that it counts. */
function countLines({ kinds, counts }: PlaceComparison, question: CompareQuestion): Html {
  const line = (kind: PackageKind) => {
    const told = changeClasses.filter((each) => counts[kind][each] > 0);
    if (told.length === 0) return html`<span>no difference</span>`;
    return told.map((each) => countLink(each, kind, counts[kind][each], question));
  };
  const { only, kind } = question;
  return html`<ul class="changes">
      ${kinds.map((each) => html`<li><span class="quiet">${each}</span> ${line(each)}</li>`)}
    </ul>
    ${
      only === undefined && kind === undefined
        ? ''
        : html`<p class="quiet">
            Shown: ${only ?? 'all changes'}${kind === undefined ? '' : ` of ${kind} packages`}.
            <a href="${withQuery('/compare', { ...question, only: undefined, kind: undefined })}">Show all</a>
          </p>`
    }`;
}

function countLink(each: ChangeClass, kind: PackageKind, count: number, question: CompareQuestion): Html {
  const href = withQuery('/compare', { ...question, only: each, kind });
  return html`<span class="change ${each}"
    ><a class="plain" href="${href}"><b>${thousands(count)}</b> ${each}</a></span
  > `;
}

function alarmSection(alarms: readonly PackageChange[], question: CompareQuestion): Html {
  const more = alarms.length - alarmsOnPage;
  return html`<section aria-labelledby="alarms">
    <h2 id="alarms">${thousands(alarms.length)} ${alarms.length === 1 ? 'alarm' : 'alarms'}</h2>
    <p>The same version of a package must always be the same bytes. Here it is not:</p>
    <ul class="reasons">
      ${alarms.slice(0, alarmsOnPage).map(
        ({ kind, name, old, new: now }) =>
          html`<li>
            <p class="reason">
              <a href="${viewerPath({ kind, name, in: question.b })}">${foreign(name)}</a> ${foreign(now!.version)}
              ${foreign(now!.architecture)}
            </p>
            <p>was ${shortHash(old!.sha256)}, is ${shortHash(now!.sha256)}</p>
          </li>`,
      )}
    </ul>
    ${more > 0 ? html`<p><a href="${withQuery('/compare', { ...question, only: 'altered' })}">${thousands(more)} more</a></p>` : ''}
  </section>`;
}

function nothing({ a, b, only, name, component, kind }: CompareQuestion): Html {
  const isFiltered = (only ?? name ?? component ?? kind) !== undefined;
  return isFiltered
    ? empty('Nothing of this kind differs.', html`<p><a href="${comparePath(a, b!)}">Show all differences</a></p>`)
    : empty('Both list the same packages.', html`<p>Not one was added, removed or changed.</p>`);
}

function trouble(error: SheafError): Html {
  return empty(foreign(error.message), html`<p>${foreign(error.hint ?? 'Name the places in another way.', 1000)}</p>`);
}

function startHere(suites: readonly TrackedSuite[]): Html {
  if (suites.length === 0) {
    return empty(
      'Nothing is kept yet that could be compared.',
      html`<p>Suites of ours appear with their first publication; another distribution, when it is followed:</p>
        ${command('sheaf upstream add debian http://deb.debian.org/debian --suite trixie')}`,
    );
  }
  const changed = suites.filter(({ snapshots }) => snapshots > 1).map(formatSuiteRef);
  if (changed.length === 0) {
    return empty(
      'Only one snapshot of each suite is kept yet.',
      html`<p>Name two places, or wait for the next one.</p>`,
    );
  }
  return html`<section aria-labelledby="latest">
    <h2 id="latest">What changed last</h2>
    <ul class="names">
      ${changed.map((place) => html`<li><a href="${comparePath(undefined, place)}">${foreign(place)}</a></li>`)}
    </ul>
  </section>`;
}
