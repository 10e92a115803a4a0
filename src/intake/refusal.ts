/** Making refusals: text of strangers is shown on one line, in quotes, without control characters, and cut. */
import type { Refusal, RefusalCode } from '../model/tag-build.ts';

export function refuse(code: RefusalCode, message: string, hint: string): Refusal {
  return { code, message, hint };
}

export function quote(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the text may hold anything
  const shown = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, '\u{fffd}');
  return `“${shown.length > 200 ? `${shown.slice(0, 200)}…` : shown}”`;
}

/** `“a”, “b”, “c” and 4 more` */
export function quoteSome(texts: readonly string[], most = 3): string {
  const shown = texts.slice(0, most).map(quote).join(', ');
  return texts.length > most ? `${shown} and ${texts.length - most} more` : shown;
}
