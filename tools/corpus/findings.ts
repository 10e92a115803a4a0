/** What was compared and where the two sides disagreed. */

export type Finding = { readonly check: string; readonly place: string; readonly message: string };

/** Only so many disagreements of one check are kept with their words; all are counted. */
const keptOfEach = 5;

export class Findings {
  readonly #counts = new Map<string, { compared: number; wrong: number }>();
  readonly kept: Finding[] = [];

  /** `compared` more things were looked at. */
  count(check: string, compared: number): void {
    this.#of(check).compared += compared;
  }

  disagree(check: string, place: string, message: string): void {
    const counts = this.#of(check);
    counts.wrong++;
    if (counts.wrong <= keptOfEach) this.kept.push({ check, place, message });
  }

  get rows(): { readonly check: string; readonly compared: number; readonly wrong: number }[] {
    return [...this.#counts].map(([check, counts]) => ({ check, ...counts }));
  }

  /** A check that compared nothing proves nothing: it counts as wrong. */
  get isGood(): boolean {
    const { rows } = this;
    return rows.length > 0 && rows.every(({ compared, wrong }) => compared > 0 && wrong === 0);
  }

  #of(check: string): { compared: number; wrong: number } {
    let counts = this.#counts.get(check);
    if (counts === undefined) this.#counts.set(check, (counts = { compared: 0, wrong: 0 }));
    return counts;
  }
}

/** A table of what was compared, for a terminal. */
export function formatFindings(findings: Findings): string {
  const rows = findings.rows.map(({ check, compared, wrong }) => [
    check,
    compared.toLocaleString('en'),
    compared === 0 ? 'nothing compared' : wrong === 0 ? 'agree' : `${wrong.toLocaleString('en')} disagree`,
  ]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length), 0));
  return rows
    .map(([check, compared, wrong]) => `${check!.padEnd(widths[0]!)}  ${compared!.padStart(widths[1]!)}  ${wrong}\n`)
    .join('');
}
