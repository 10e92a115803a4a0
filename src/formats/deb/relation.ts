/**
 * Relationships between packages: `a (>= 1) [amd64] <!nocheck> | b:any, c`. Debian Policy 7.1, deb-src-control(5);
 * build profiles by https://wiki.debian.org/BuildProfileSpec. Nothing is evaluated here: restrictions are kept.
 */
import { SheafError, type Place } from '../../kit/error.ts';

export type VersionOperator = '<<' | '<=' | '=' | '>=' | '>>';

export type Relation = {
  readonly name: string;
  /** `any`, `native` or an architecture, as in `python3:any`. */
  readonly qualifier: string | undefined;
  readonly version: { readonly operator: VersionOperator; readonly version: string } | undefined;
  /** `[amd64 !i386]`: architectures or wildcards. Empty when it holds everywhere. */
  readonly architectures: readonly Restriction[];
  /** `<a !b> <c>`: holds when all terms of one list hold. Empty when it always holds. */
  readonly profiles: readonly (readonly Restriction[])[];
};

export type Restriction = { readonly name: string; readonly negated: boolean };

/** One alternative of these satisfies the group: `a | b`. */
export type RelationGroup = readonly Relation[];

// White space is a single space, or none, in what these are matched with: several `\s*` in a row would try every way to
// share a long run of it among them.
const name = String.raw`(?<name>[A-Za-z0-9][A-Za-z0-9+.-]*)(?::(?<qualifier>[a-z0-9][a-z0-9-]*))?`;
const version = String.raw`(?:\( ?(?<operator><<|<=|>=|>>|=|<|>) ?(?<version>[A-Za-z0-9.+:~-]+) ?\))?`;
const architectures = String.raw`(?:\[(?<architectures>[^\][]*)\])?`;
const profiles = String.raw`(?<profiles>(?:<[^<>]*> ?)*)`;
const relation = new RegExp(`^${name} ?${version} ?${architectures} ?${profiles}$`);

/** A longer alternative is none: the expression would go too deep in it. */
const longest = 10_000;

/** deb-control(5): the deprecated `<` and `>` mean "or equal". */
const operators: Readonly<Record<string, VersionOperator>> = { '<': '<=', '>': '>=' };

/** All groups must be satisfied. Empty groups, as a last comma leaves them, are passed over. Throws `bad-relation`. */
export function parseRelations(text: string, file = 'relation', line?: number): RelationGroup[] {
  return text
    .split(',')
    .filter((group) => group.trim() !== '')
    .map((group) =>
      group
        .split('|')
        .map((alternative) => parseRelation(alternative, { file, ...(line === undefined ? {} : { line }) })),
    );
}

export function formatRelations(groups: readonly RelationGroup[]): string {
  return groups.map((group) => group.map(formatRelation).join(' | ')).join(', ');
}

export function formatRelation(each: Relation): string {
  let text = each.name;
  if (each.qualifier !== undefined) text += `:${each.qualifier}`;
  if (each.version !== undefined) text += ` (${each.version.operator} ${each.version.version})`;
  if (each.architectures.length > 0) text += ` [${each.architectures.map(formatRestriction).join(' ')}]`;
  for (const list of each.profiles) text += ` <${list.map(formatRestriction).join(' ')}>`;
  return text;
}

function parseRelation(text: string, place: Place): Relation {
  if (text.length > longest) throw bad(text, place, `an alternative is longer than ${longest} characters`);
  const parts = relation.exec(text.trim().replaceAll(/\s+/g, ' '))?.groups;
  if (parts === undefined)
    throw bad(text, place, 'expected "name [(operator version)] [[architectures]] [<profiles>]"');
  const operator = parts.operator;
  const list = (content: string) => parseRestrictions(content, text, place);
  const restricted = parts.architectures === undefined ? [] : list(parts.architectures);
  if (restricted.some((each) => each.negated !== restricted[0]!.negated)) {
    throw bad(text, place, 'architectures are either all negated or none (Policy 7.1)');
  }
  return {
    name: parts.name!,
    qualifier: parts.qualifier,
    version:
      operator === undefined
        ? undefined
        : { operator: operators[operator] ?? (operator as VersionOperator), version: parts.version! },
    architectures: restricted,
    profiles: [...parts.profiles!.matchAll(/<([^<>]*)>/g)].map((match) => list(match[1]!)),
  };
}

function parseRestrictions(content: string, text: string, place: Place): Restriction[] {
  const words = content.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) throw bad(text, place, 'a list of restrictions is empty');
  return words.map((word) => {
    const match = /^(!?)([a-z0-9][a-z0-9.+-]*)$/.exec(word);
    if (match === null) throw bad(text, place, `${JSON.stringify(word.slice(0, 60))} is not a restriction`);
    return { name: match[2]!, negated: match[1] === '!' };
  });
}

const formatRestriction = (each: Restriction) => `${each.negated ? '!' : ''}${each.name}`;

function bad(text: string, place: Place, state: string): SheafError {
  const shown = JSON.stringify(text.trim().slice(0, 80));
  return new SheafError('bad-relation', `Cannot read ${place.file}: in ${shown}, ${state}`, { place });
}
