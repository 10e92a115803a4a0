/**
 * What a stanza of Packages or Sources says of its package in short: what it is, the hash of its file, whom it names in
 * relations. For reading whole indexes into tables; nothing else of the stanza is looked at.
 */
import { fieldNumber, IndexFields, type KnownField } from './index-fields.ts';
import {
  isNameByte,
  readArchitecture,
  readDirectory,
  readFilename,
  readName,
  readSha256,
  readSize,
  readSource,
  readSourceFiles,
  readVersion,
} from './index-values.ts';

/** Fields by which packages relate to each other (Policy 7), in the order in which an entry has them. */
const relationFields = [
  'Pre-Depends', 'Depends', 'Recommends', 'Suggests', 'Enhances', 'Breaks', 'Conflicts', 'Provides', 'Replaces',
  'Build-Depends', 'Build-Depends-Indep', 'Build-Depends-Arch', 'Build-Conflicts', 'Build-Conflicts-Indep',
  'Build-Conflicts-Arch',
] as const satisfies readonly KnownField[]; // prettier-ignore

export type EntryRelation = { readonly target: string; readonly field: (typeof relationFields)[number] };

export type IndexEntry = {
  readonly name: string;
  readonly version: string;
  /** Of a source package: `source`. */
  readonly architecture: string;
  /** The source package it was built from; of a source package, itself. */
  readonly source: string;
  readonly sourceVersion: string;
  /** Of the `.deb` or `.dsc`, in lower case; empty where the index has none. */
  readonly sha256: string;
  /** 0 where the index does not say it. */
  readonly size: number;
  /** Of the `.deb` or `.dsc`, relative to the archive's root; never outside of it. */
  readonly filename: string | undefined;
  /**
   * Each package named in a relation field, once for each field: all alternatives, without versions, qualifiers and
   * restrictions. What has no readable name (`${misc:Depends}`) is passed over.
   */
  readonly relations: readonly EntryRelation[];
};

/**
 * Reads one piece of an index; undefined when it holds no field. Throws `bad-control-file`, `missing-field` or
 * `bad-field` with file and line; lines count from the piece's beginning.
 */
export function readEntry(piece: Uint8Array, kind: 'binary' | 'source', file = 'stanza'): IndexEntry | undefined {
  if (scratch.file !== file) scratch = new IndexFields(file, true);
  if (!scratch.read(piece, 0, piece.length)) return undefined;
  return kind === 'binary' ? binaryEntry(scratch) : sourceEntry(scratch);
}

/** Kept from call to call only to spare making its arrays. */
let scratch = new IndexFields('stanza', true);

/** What an entry says beside the file's place and the relations, which are most of a stanza. */
export type EntryHead = Omit<IndexEntry, 'filename' | 'relations'>;

export function binaryHead(fields: IndexFields): EntryHead {
  const name = readName(fields);
  const version = readVersion(fields);
  const source = readSource(fields, name, version);
  return {
    name,
    version,
    architecture: readArchitecture(fields),
    source: source.name,
    sourceVersion: source.version,
    sha256: readSha256(fields),
    size: readSize(fields),
  };
}

export function sourceHead(fields: IndexFields, dsc = readDsc(fields)): EntryHead {
  const name = readName(fields);
  const version = readVersion(fields);
  return {
    name,
    version,
    architecture: 'source',
    source: name,
    sourceVersion: version,
    sha256: dsc?.sha256 ?? '',
    size: dsc?.size ?? 0,
  };
}

function readDsc(fields: IndexFields) {
  return readSourceFiles(fields).find((file) => file.name.endsWith('.dsc'));
}

function binaryEntry(fields: IndexFields): IndexEntry {
  return { ...binaryHead(fields), filename: readFilename(fields), relations: readRelations(fields) };
}

function sourceEntry(fields: IndexFields): IndexEntry {
  const dsc = readDsc(fields);
  const directory = readDirectory(fields);
  return {
    ...sourceHead(fields, dsc),
    filename: dsc && (directory ? `${directory}/${dsc.name}` : dsc.name),
    relations: readRelations(fields),
  };
}

const relationNumbers = relationFields.map((field) => ({ field, number: fieldNumber[field] }));

function readRelations(fields: IndexFields): EntryRelation[] {
  const relations: EntryRelation[] = [];
  for (const { field, number } of relationNumbers) {
    if (fields.has(number)) addTargets(fields, number, field, relations);
  }
  return relations;
}

const comma = 0x2c;
const bar = 0x7c;
/** What may follow a name: white space, `:` of a qualifier, `(`, `[`, `<`, `,`, `|`. */
const afterName = new TextEncoder().encode(' \t\n:([<,|');
/** In which field a slot of words was last met: only where it was this one, a target may stand there twice. */
const seen = new Int32Array(2 ** 15);
let turn = 0;
/** So many names are compared one by one. */
const fewTargets = 24;

function addTargets(fields: IndexFields, number: number, field: EntryRelation['field'], into: EntryRelation[]): void {
  const { bytes, start } = fields;
  const end = start + fields.valueEnd(number);
  const first = into.length;
  let many: Set<string> | undefined;
  turn = (turn + 1) | 0;
  for (let at = start + fields.valueStart(number); at < end; at++) {
    while (at < end && (bytes[at]! <= 0x20 || bytes[at] === comma || bytes[at] === bar)) at++;
    const from = at;
    while (at < end && isNameByte(bytes[at]!)) at++;
    const to = at;
    while (at < end && bytes[at] !== comma && bytes[at] !== bar) at++;
    if (to === from || (to < end && !afterName.includes(bytes[to]!))) continue;
    const target = fields.words.read(bytes, from, to);
    const { slot } = fields.words;
    if (seen[slot] === turn) {
      if (many === undefined && into.length - first > fewTargets)
        many = new Set(into.slice(first).map((each) => each.target));
      if (many === undefined ? isIn(into, first, target) : many.has(target)) continue;
    }
    seen[slot] = turn;
    many?.add(target);
    into.push(relationTo(target, field, slot + number));
  }
}

/** Relations made lately: most are asked for again. */
const recent = Array.from<EntryRelation | undefined>({ length: 2 ** 15 });

function relationTo(target: string, field: EntryRelation['field'], hash: number): EntryRelation {
  const slot = (hash * 0x9e5) & (recent.length - 1);
  const known = recent[slot];
  if (known !== undefined && known.target === target && known.field === field) return known;
  return (recent[slot] = { target, field });
}

function isIn(relations: readonly EntryRelation[], first: number, target: string): boolean {
  for (let at = first; at < relations.length; at++) if (relations[at]!.target === target) return true;
  return false;
}
