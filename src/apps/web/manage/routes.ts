/** Where forms go: signing in and out, what is done to suites, decisions about NEW. GET changes nothing. */
import type { Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { html } from 'hono/html';

import { endAccess, findAccess, signIn } from '../../../access/mod.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Suite } from '../../../model/distribution.ts';
import { findNewUpload } from '../../../upload/mod.ts';
import { whatIsMissing } from '../parts/manage.ts';
import { newPath, signInPath, suiteActionPath, suitePath } from '../path.ts';
import type { WebDeps } from '../ports.ts';
import { badSignInView, confirmSignInView, signInView, waitView } from '../views/manage/sign-in.ts';
import { copyPreview } from '../views/manage/suite.ts';
import { forbiddenView, formTroubleView, refusedView } from '../views/manage/trouble.ts';
import type { View } from '../views/view.ts';
import { lineOf, readForm, textOf, type Form } from './form.ts';
import { countGuesses } from './guesses.ts';
import { isSameOrigin } from './same-origin.ts';
import { dropSession, keepSession, visitorOfPage, type Visitor } from './visitor.ts';

/** Shows a page in its frame. */
export type Show = (c: Context, view: View) => Promise<Response>;
/** A page to show, or the address to go on at. */
type Outcome = View | string;
type Act = (form: Form, visitor: Visitor) => Promise<Outcome>;

const mostBytes = 64 * 1024;

export function addForms(app: Hono, deps: WebDeps, show: Show, notFound: View): void {
  const limited = bodyLimit({ maxSize: mostBytes, onError: (c) => c.text('The form is too large.\n', 413) });
  addSigningIn(app, deps, show);
  for (const [action, act] of Object.entries(suiteActions)) {
    app.post(`/suite/:name/${action}`, limited, async (c) => {
      const suite = [...deps.distribution.suites.values()].find(({ name }) => name === c.req.param('name'));
      if (suite === undefined) return show(c, notFound);
      return perform(c, deps, show, suite.name, (form, visitor) => act(deps, suite, form, visitor));
    });
  }
  for (const [action, act] of Object.entries(uploadActions)) {
    app.post(`/new/:id{[1-9][0-9]{0,14}}/${action}`, limited, async (c) => {
      const id = Number(c.req.param('id'));
      const upload = await findNewUpload(deps.db, id);
      if (upload === undefined) return show(c, notFound);
      return perform(c, deps, show, upload.suite, (form, visitor) => act(deps, id, form, visitor));
    });
  }
}

async function perform(c: Context, deps: WebDeps, show: Show, suite: string, act: Act): Promise<Response> {
  const read = await readForm(c, deps);
  if (typeof read === 'string') return show(c, formTroubleView(read));
  const { form, visitor } = read;
  if (!visitor.may(suite)) {
    return show(c, forbiddenView('Not allowed', whatIsMissing(deps.distribution, suite, visitor) ?? html``));
  }
  const outcome = await act(form, visitor);
  return typeof outcome === 'string' ? c.redirect(outcome, 303) : show(c, outcome);
}

type SuiteAct = (deps: WebDeps, suite: Suite, form: Form, visitor: Visitor) => Promise<Outcome>;

const suiteActions: Readonly<Record<string, SuiteAct>> = {
  publish: async ({ actions }, { name }, _, visitor) => {
    await actions.publish(name, visitor.person);
    return suitePath(name);
  },
  freeze: async ({ actions }, { name }, form, visitor) => {
    await actions.freeze(name, { by: visitor.person, reason: lineOf(form, 'reason') });
    return suitePath(name);
  },
  thaw: async ({ actions }, { name }, form, visitor) => {
    const result = await actions.thaw(name, { by: visitor.person, reason: lineOf(form, 'reason') });
    return result.kind === 'refused' ? refusedView(`Thaw ${name}`, result.reasons, suitePath(name)) : suitePath(name);
  },
  copy: async ({ actions }, { name }, form, visitor) => {
    const title = `Copy packages into ${name}`;
    const back = suiteActionPath(name, 'copy');
    const packages = (lineOf(form, 'packages', 20_000) ?? '').split(/[\s,]+/).filter((each) => each !== '');
    const question = { from: lineOf(form, 'from') ?? '', packages, reason: lineOf(form, 'reason') };
    if (packages.length === 0) return refusedView(title, ['No package was named.'], back);
    const isDoing = form['step'] === 'do';
    return orRefused(title, back, async () => {
      const result = await actions.copy({ ...question, to: name, by: visitor.person, dryRun: !isDoing });
      if (!isDoing) return copyPreview(name, visitor, question, result);
      return result.kind === 'refused' ? refusedView(title, result.reasons, back) : suitePath(name);
    });
  },
  rollback: async ({ actions }, { name }, form, visitor) => {
    const snapshot = lineOf(form, 'snapshot') ?? '';
    const title = `Roll back ${name}`;
    return orRefused(title, suitePath(name), async () => {
      const by = { by: visitor.person, reason: lineOf(form, 'reason') };
      const result = await actions.rollBack({ suite: name, snapshot, ...by, dryRun: false });
      return result.kind === 'refused' ? refusedView(title, result.reasons, suitePath(name)) : suitePath(name);
    });
  },
};

type UploadAct = (deps: WebDeps, id: number, form: Form, visitor: Visitor) => Promise<Outcome>;

const uploadActions: Readonly<Record<string, UploadAct>> = {
  accept: async ({ actions }, id, form, visitor) =>
    orRefused(`Accept NEW ${id}`, newPath(id), async () => {
      const result = await actions.accept(id, { by: visitor.person, reason: lineOf(form, 'reason') });
      return result.kind === 'refused' ? refusedView(`Accept NEW ${id}`, result.reasons, newPath(id)) : newPath(id);
    }),
  reject: async ({ actions }, id, form, visitor) => {
    const reason = lineOf(form, 'reason');
    if (reason === undefined) {
      return refusedView(`Reject NEW ${id}`, ['A rejection says why: the uploader is told.'], newPath(id));
    }
    return orRefused(`Reject NEW ${id}`, newPath(id), async () => {
      await actions.reject(id, { by: visitor.person, reason });
      return newPath(id);
    });
  },
  comment: async ({ actions }, id, form, visitor) => {
    const text = textOf(form, 'text');
    if (text === undefined) return refusedView(`Comment on NEW ${id}`, ['The comment is empty.'], newPath(id));
    const comment = await actions.comment(id, visitor.person, text);
    return `${newPath(id)}#comment-${comment.id}`;
  },
};

/** What was asked for and cannot be is said; what is wrong with the machine is not the visitor's. */
async function orRefused(title: string, back: string, act: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof SheafError) || error.kind === 'environment') throw error;
    return refusedView(title, [error.message], back);
  }
}

function addSigningIn(app: Hono, deps: WebDeps, show: Show): void {
  const guesses = countGuesses(deps.now);
  const isWrong = (c: Context) => {
    guesses.countWrong(c);
    return show(c, badSignInView);
  };
  app.get('/sign-in', async (c) => show(c, signInView(await visitorOfPage(c, deps))));
  app.get('/sign-in/:secret', async (c) => {
    if (guesses.isTooMany(c)) return show(c, waitView);
    const secret = c.req.param('secret');
    const access = await findAccess(deps.db, 'sign-in', secret, deps.now());
    return access === undefined ? isWrong(c) : show(c, confirmSignInView(access.person, signInPath(secret)));
  });
  app.post('/sign-in/:secret', async (c) => {
    if (!isSameOrigin(c.req.raw.headers, deps.distribution.url)) return show(c, formTroubleView('elsewhere'));
    if (guesses.isTooMany(c)) return show(c, waitView);
    const granted = await signIn(deps, c.req.param('secret'), deps.now());
    if (granted === undefined) return isWrong(c);
    keepSession(c, deps, granted);
    return c.redirect('/', 303);
  });
  app.post('/sign-out', bodyLimit({ maxSize: mostBytes }), async (c) => {
    const read = await readForm(c, deps);
    if (typeof read === 'string') return show(c, formTroubleView(read));
    await endAccess(deps, read.visitor.access, deps.now());
    dropSession(c, deps);
    return c.redirect('/', 303);
  });
}
