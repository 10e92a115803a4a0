/** Whether every relation field is read and written as apt (binary packages) and python3-debian (sources) do it. */
import { matchesArchitecture } from '../../src/formats/deb/architecture.ts';
import { field, type Stanza } from '../../src/formats/deb/deb822.ts';
import { formatRelations, parseRelations, type Relation, type RelationGroup } from '../../src/formats/deb/relation.ts';
import { describeError } from '../../src/kit/error.ts';
import type { Findings } from './findings.ts';
import { askLines } from './oracle.ts';

const binaryFields = [
  'Pre-Depends', 'Depends', 'Recommends', 'Suggests', 'Enhances', 'Breaks', 'Conflicts', 'Provides', 'Replaces', 'Built-Using',
]; // prettier-ignore
const sourceFields = [
  'Build-Depends', 'Build-Depends-Indep', 'Build-Depends-Arch', 'Build-Conflicts', 'Build-Conflicts-Indep',
  'Build-Conflicts-Arch',
]; // prettier-ignore

/** Each value once, with the first place where it stands. */
export type RelationValues = Map<string, string>;

export function collectRelations(
  place: string,
  kind: 'binary' | 'source',
  stanzas: readonly Stanza[],
  into: RelationValues,
): number {
  let count = 0;
  for (const stanza of stanzas) {
    for (const name of kind === 'binary' ? binaryFields : sourceFields) {
      const value = field(stanza, name)?.replaceAll(/\s+/g, ' ');
      if (value === undefined || value === '') continue;
      count++;
      const key = `${kind} ${value}`;
      if (!into.has(key)) into.set(key, `${place}:${stanza.fields[0]!.line} ${name}`);
    }
  }
  return count;
}

export async function checkRelations(values: RelationValues, findings: Findings): Promise<void> {
  const questions = [...values.keys()];
  const answers = await askLines('relations', questions);
  for (const [i, question] of questions.entries()) {
    const place = values.get(question)!;
    const kind = question.slice(0, question.indexOf(' '));
    const check = kind === 'binary' ? 'relations with apt' : 'build relations with apt and python3-debian';
    findings.count(check, 1);
    try {
      const groups = parseRelations(question.slice(kind.length + 1), place);
      const text = formatRelations(groups);
      const expected = kind === 'binary' ? text : `${text}\t${formatRelations(wantedOnAmd64(groups))}`;
      if (expected !== answers[i]) findings.disagree(check, place, firstDifference(expected, answers[i]!));
      if (formatRelations(parseRelations(text)) !== text)
        findings.disagree(check, place, 'written and read again it differs');
    } catch (error) {
      findings.disagree(check, place, describeError(error));
    }
  }
}

/** What apt leaves of build relations for amd64 without build profiles. */
function wantedOnAmd64(groups: readonly RelationGroup[]): RelationGroup[] {
  return groups
    .map((group) => group.filter(isWanted).map((each) => ({ ...each, architectures: [], profiles: [] })))
    .filter((group) => group.length > 0);
}

function isWanted({ architectures, profiles }: Relation): boolean {
  const named = architectures.some(({ name }) => matchesArchitecture(name, 'amd64'));
  const here = architectures.length === 0 || named !== architectures[0]!.negated;
  return here && (profiles.length === 0 || profiles.some((list) => list.every(({ negated }) => negated)));
}

function firstDifference(ours: string, theirs: string): string {
  let at = 0;
  while (at < ours.length && ours[at] === theirs[at]) at++;
  const from = Math.max(0, at - 20);
  return `${JSON.stringify(ours.slice(from, at + 60))} here, ${JSON.stringify(theirs.slice(from, at + 60))} there`;
}
