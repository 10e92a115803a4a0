/**
 * Successive versions of a real Packages, by replaying real changes: from one suite's index, stanzas become those of a
 * later suite, come and go, source package by source package in a random but fixed order, as uploads do it.
 */
import { readEntry } from '../../src/formats/deb/index-entry.ts';
import { scanStanzas } from '../../src/formats/deb/index-scan.ts';

type Stanza = { readonly name: string; readonly source: string; readonly bytes: Buffer };

/** What becomes of one name: the stanza that it has from then on, or undefined when it goes. */
type Change = { readonly name: string; readonly bytes: Buffer | undefined };

export type Version = { readonly number: number; readonly bytes: Buffer; readonly changed: number };

/** The first version is `before`, less stanzas whose names it has twice; each further one changes at least `changes` stanzas. */
export function* replayVersions(before: Buffer, after: Buffer, count: number, changes: number): Generator<Version> {
  const [old, later] = [read(before), read(after)];
  const order = orderOf(old, later);
  const stanzas = new Map(old.map((stanza) => [stanza.name, stanza.bytes]));
  yield { number: 0, bytes: join(order, stanzas), changed: 0 };
  const uploads = uploadsOf(old, later);
  let next = 0;
  for (let number = 1; number < count; number++) {
    let changed = 0;
    while (changed < changes) {
      const upload = uploads[next++];
      if (upload === undefined) throw new Error(`there are changes for ${number} versions only`);
      for (const { name, bytes } of upload) {
        if (bytes === undefined) stanzas.delete(name);
        else stanzas.set(name, bytes);
      }
      changed += upload.length;
    }
    yield { number, bytes: join(order, stanzas), changed };
  }
}

function join(order: readonly string[], stanzas: ReadonlyMap<string, Buffer>): Buffer {
  return Buffer.concat(order.map((name) => stanzas.get(name)).filter((bytes) => bytes !== undefined));
}

/** All names as the older index has them; those that only the later one has stand behind the same name as there. */
function orderOf(before: readonly Stanza[], after: readonly Stanza[]): string[] {
  const known = new Set(before.map(({ name }) => name));
  const behind = new Map<string, string[]>();
  let last = '';
  for (const { name } of after) {
    if (known.has(name)) last = name;
    else behind.set(last, [...(behind.get(last) ?? []), name]);
  }
  return ['', ...known].flatMap((name) => [...(name === '' ? [] : [name]), ...new Set(behind.get(name))]);
}

/** All changes of a source package at once; sources shuffled. */
function uploadsOf(before: readonly Stanza[], after: readonly Stanza[]): Change[][] {
  const known = new Map(before.map((stanza) => [stanza.name, stanza]));
  const later = new Map(after.map((stanza) => [stanza.name, stanza]));
  const uploads = new Map<string, Change[]>();
  const add = (source: string, change: Change) => {
    const upload = uploads.get(source);
    if (upload === undefined) uploads.set(source, [change]);
    else upload.push(change);
  };
  for (const { name, source, bytes } of later.values()) {
    if (known.get(name)?.bytes.equals(bytes) !== true) add(source, { name, bytes });
  }
  for (const { name, source } of known.values()) if (!later.has(name)) add(source, { name, bytes: undefined });
  return shuffled([...uploads.values()]);
}

function shuffled<T>(items: T[]): T[] {
  let state = 1;
  for (let index = items.length - 1; index > 0; index--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (index + 1));
    [items[index], items[other]] = [items[other]!, items[index]!];
  }
  return items;
}

/** Of a name that is there twice, the later stanza. */
function read(index: Buffer): Stanza[] {
  return Array.from(scanStanzas(index), ({ start, end }) => {
    const bytes = index.subarray(start, end);
    const { name, source } = readEntry(bytes, 'binary')!;
    return { name, source, bytes };
  });
}
