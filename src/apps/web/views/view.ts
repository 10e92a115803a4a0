/** A view makes the main part of one page; the same view makes it again when something changes. */
import type { Html } from '../parts/html.ts';
import type { Visitor } from '../manage/visitor.ts';
import type { Section } from '../parts/layout.ts';
import type { WebDeps } from '../ports.ts';

export type View = {
  readonly title: string;
  readonly section: Section;
  readonly body: Html;
  /** Whether the page is sent again by itself when something changes. */
  readonly isLive: boolean;
  /** 404 where a page says what is missing, and helps to find it. */
  readonly status?: 200 | 400 | 403 | 404 | 409 | 429;
};

export type ViewContext = {
  readonly deps: WebDeps;
  readonly now: Date;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Who looks at it, when somebody has signed in. */
  readonly visitor: Visitor | undefined;
  /** The page itself, or what replaces its main part later. */
  readonly occasion: 'page' | 'update';
};

/** Undefined: there is no such thing, the answer is 404. */
export type ViewFunction = (context: ViewContext) => Promise<View | undefined>;

/** An id in an address, or undefined when it cannot be one. */
export function idParam(context: ViewContext, name = 'id'): number | undefined {
  const text = context.params[name] ?? '';
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
}

/** A question's answer in the address; an empty one is none, and one with control characters is nobody's. */
export function queryText(context: ViewContext, name: string): string | undefined {
  const text = context.query.get(name)?.slice(0, 300);
  return text === undefined || text === '' || hasControl(text) ? undefined : text;
}

/** The database takes no NUL, and no name that we know has another of these. */
export function hasControl(text: string): boolean {
  return /[\u0000-\u001f\u007f]/.test(text);
}
