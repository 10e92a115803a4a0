/** Two control files, field by field; relations package by package. deb-control(5), Debian Policy 7.1. */
import { parseStanza, type Stanza } from '../../formats/deb/deb822.ts';
import { formatRelation, parseRelations, type RelationGroup } from '../../formats/deb/relation.ts';
import { SheafError } from '../../kit/error.ts';
import { eitherOf, shown } from './shown.ts';
import type { DebDifference } from './types.ts';

const relationFields = new Set([
  ...['pre-depends', 'depends', 'recommends', 'suggests', 'enhances', 'breaks', 'conflicts', 'provides', 'replaces'],
  ...['built-using', 'static-built-using'],
]);

/** Undefined where one of the two is no control file; empty when only the form differs. */
export function compareControl(left: Uint8Array, right: Uint8Array): DebDifference[] | undefined {
  const [one, other] = [parse(left), parse(right)];
  if (one === undefined || other === undefined) return undefined;
  const [mine, theirs] = [valuesOf(one), valuesOf(other)];
  return [...new Map([...mine, ...theirs])].flatMap(([key, { name }]) => {
    const [value, like] = [mine.get(key)?.value, theirs.get(key)?.value];
    if (value === like) return [];
    const relations = relationFields.has(key) ? compareRelations(name, value, like) : undefined;
    return relations ?? [{ kind: 'field', field: shown(name), ...eitherOf(shownOf(value), shownOf(like)) }];
  });
}

function parse(bytes: Uint8Array): Stanza | undefined {
  try {
    return parseStanza(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof SheafError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function valuesOf({ fields }: Stanza) {
  return new Map(fields.map(({ name, value }) => [name.toLowerCase(), { name, value }]));
}

/** Undefined where one of the two is no list of relations, or only its order differs. */
function compareRelations(field: string, left = '', right = ''): DebDifference[] | undefined {
  let sides: [Map<string, string>, Map<string, string>];
  try {
    sides = [relationsOf(left), relationsOf(right)];
  } catch (error) {
    if (error instanceof SheafError) return undefined;
    throw error;
  }
  const [mine, theirs] = sides;
  const differences = [...new Set([...mine.keys(), ...theirs.keys()])].flatMap((name): DebDifference[] => {
    const [value, like] = [mine.get(name), theirs.get(name)];
    if (value === like) return [];
    return [
      { kind: 'relation', field: shown(field), package: shown(name), ...eitherOf(shownOf(value), shownOf(like)) },
    ];
  });
  return differences.length > 0 ? differences : undefined;
}

/** By the names of the packages, `a | b`; the value is the relation as a whole. */
function relationsOf(text: string): Map<string, string> {
  const relations = new Map<string, string>();
  for (const group of parseRelations(text)) {
    const name = group.map((each) => each.name).join(' | ');
    const before = relations.get(name);
    relations.set(name, before === undefined ? format(group) : `${before}, ${format(group)}`);
  }
  return relations;
}

const format = (group: RelationGroup) => group.map(formatRelation).join(' | ');

/** A field is one line: those that it goes on with follow after a space. */
const shownOf = (text: string | undefined) => (text === undefined ? undefined : shown(text.replaceAll('\n', ' ')));
