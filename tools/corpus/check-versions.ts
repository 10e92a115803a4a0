/** Whether versions are ordered as apt and dpkg order them. */
import { type Stanza } from '../../src/formats/deb/deb822.ts';
import { compareVersions } from '../../src/formats/deb/version.ts';
import { run } from '../../src/plumbing/process.ts';
import type { Findings } from './findings.ts';
import { askLines } from './oracle.ts';

/** Every version that a stanza names: its own, its source's, those of its relations. */
export function collectVersions(stanzas: readonly Stanza[], into: Set<string>): void {
  for (const { fields } of stanzas) {
    for (const { name, value } of fields) {
      if (name === 'Version') into.add(value.trim());
      else if (/^(?:Source|Built-Using|Provides|.*Depends|Breaks|Replaces|.*Conflicts|.*-Indep|.*-Arch)$/.test(name)) {
        for (const match of value.matchAll(/\([\s<>=]*([^()\s]+)\s*\)/g)) into.add(match[1]!);
      }
    }
  }
}

const pairsOf = { quick: 100_000, whole: 500_000 };

/** All versions sorted, each with the next, and random pairs: by apt; some of them by dpkg itself. */
export async function checkVersions(versions: ReadonlySet<string>, quick: boolean, findings: Findings): Promise<void> {
  const sorted = [...versions].toSorted(compareVersions);
  const pairs = sorted.slice(1).map((version, i) => [sorted[i]!, version] as const);
  const random = numbers(sorted.length);
  for (let i = 0; i < (quick ? pairsOf.quick : pairsOf.whole); i++) {
    pairs.push([sorted[random.next().value!]!, sorted[random.next().value!]!]);
  }
  const answers = await askLines(
    'versions',
    pairs.map(([a, b]) => `${a} ${b}`),
  );
  findings.count('pairs of versions with apt', pairs.length);
  for (const [i, [a, b]] of pairs.entries()) {
    const ours = order(a, b);
    if (ours !== answers[i])
      findings.disagree('pairs of versions with apt', `${a} ${b}`, `${ours} here, ${answers[i]} there`);
  }
  // One process for each pair: a sample.
  const step = Math.ceil(pairs.length / (quick ? 100 : 400));
  for (let i = 0; i < pairs.length; i += step) {
    const [a, b] = pairs[i]!;
    findings.count('pairs of versions with dpkg', 1);
    const words = { '<': 'lt', '=': 'eq', '>': 'gt' } as const;
    const { code } = await run(['dpkg', '--compare-versions', a, words[order(a, b)], b]);
    if (code !== 0) findings.disagree('pairs of versions with dpkg', `${a} ${b}`, `${order(a, b)} here, not so there`);
  }
}

function order(a: string, b: string): '<' | '=' | '>' {
  const difference = compareVersions(a, b);
  return difference < 0 ? '<' : difference > 0 ? '>' : '=';
}

/** The same every time, so that what was found is found again. */
function* numbers(below: number): Generator<number, never> {
  for (let state = 1; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield Math.floor((state / 2 ** 32) * below);
  }
}
