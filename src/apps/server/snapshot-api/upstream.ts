/** Packages of upstreams, as far as the history of their indexes knows them. */
import { sql } from 'kysely';

import { field, parseStanza, type Stanza } from '../../../formats/deb/deb822.ts';
import { parseFiles } from '../../../formats/deb/files.ts';
import { whereWas, type HistoryDeps, type Sighting } from '../../../history/mod.ts';
import type { Sha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Distribution } from '../../../model/distribution.ts';
import type { SnapshotId } from '../../../model/names.ts';
import { encodePath } from '../../../sync/mod.ts';
import type { BinaryFact, FactSource, FileFact } from './facts.ts';
import { splitPath } from './own.ts';

export type UpstreamDeps = {
  readonly history: HistoryDeps;
  readonly distribution: Pick<Distribution, 'upstreams'>;
};

/** So many files of source packages are remembered once they were told: no table finds them by their hash. */
const mostRemembered = 20_000;

export function upstreamFacts(deps: UpstreamDeps): FactSource {
  const remembered = new Map<Sha256, FileFact>();
  const remember = (fact: FileFact) => {
    remembered.delete(fact.sha256);
    remembered.set(fact.sha256, fact);
    if (remembered.size > mostRemembered) remembered.delete(remembered.keys().next().value!);
  };
  return {
    sourceNames: async () => {
      const { rows } = await sql<{ name: string }>`
        select distinct name from stanza where kind = 'source'`.execute(deps.history.db);
      return rows.map(({ name }) => name);
    },
    sources: async (name, version) => {
      const found = await read(deps, { name, version, kind: 'source' });
      return found.map(({ sighting, stanza }) => {
        const files = sourceFiles(deps, sighting, stanza);
        files.forEach(remember);
        return { version: sighting.entry.version, files };
      });
    },
    binaries: async (query) => {
      const found =
        'source' in query
          ? (await read(deps, { source: query.source, kind: 'binary' })).filter(
              ({ sighting }) => sighting.entry.sourceVersion === query.sourceVersion,
            )
          : await read(deps, { name: query.name, version: query.version, kind: 'binary' });
      return found.flatMap(({ sighting, stanza }) => binaryFact(deps, sighting, stanza));
    },
    files: async (sha256) => {
      const found = await read(deps, { sha256 });
      const facts = found.flatMap(({ sighting, stanza }) =>
        sighting.entry.kind === 'source'
          ? sourceFiles(deps, sighting, stanza).filter((file) => file.sha256 === sha256)
          : binaryFact(deps, sighting, stanza).map(({ file }) => file),
      );
      const known = remembered.get(sha256);
      return facts.length > 0 || known === undefined ? facts : [known];
    },
  };
}

type Found = { readonly sighting: Sighting; readonly stanza: Stanza };

/** Each file once for each origin, with the first snapshot that had it. */
async function read({ history }: UpstreamDeps, query: Parameters<typeof whereWas>[1]): Promise<Found[]> {
  const first = new Map<string, Sighting>();
  for (const sighting of await whereWas(history.db, query)) {
    const { origin, since, entry } = sighting;
    if (origin === '' || entry.piece === undefined) continue;
    const key = [origin, entry.kind, entry.name, entry.version, entry.architecture, entry.sha256].join('\n');
    const before = first.get(key);
    if (before === undefined || since < before.since) first.set(key, sighting);
  }
  const sightings = [...first.values()];
  const pieces = await history.store.readPieces(sightings.map(({ entry }) => entry.piece!));
  const decoder = new TextDecoder();
  return sightings.map((sighting, index) => ({ sighting, stanza: parseStanza(decoder.decode(pieces[index])) }));
}

function binaryFact(deps: UpstreamDeps, { origin, since, entry }: Sighting, stanza: Stanza): BinaryFact[] {
  const filename = field(stanza, 'Filename');
  const { name, version, architecture, source, sourceVersion, sha256, size } = entry;
  if (filename === undefined || sha256 === '') return [];
  const file = fileFact(deps, origin, since, filename, { sha256: sha256 as Sha256, size });
  return [{ name, version, architecture, source, sourceVersion, file }];
}

/** None for stanzas from before there was SHA-256. */
function sourceFiles(deps: UpstreamDeps, { origin, since }: Sighting, stanza: Stanza): FileFact[] {
  const directory = field(stanza, 'Directory') ?? '';
  try {
    return parseFiles(stanza, 'Sources').map((file) =>
      fileFact(deps, origin, since, `${directory}/${file.name}`, { sha256: file.sha256, size: file.size }),
    );
  } catch (error) {
    if (error instanceof SheafError) return [];
    throw error;
  }
}

function fileFact(
  { distribution }: UpstreamDeps,
  origin: string,
  firstSeen: SnapshotId,
  filename: string,
  file: { readonly sha256: Sha256; readonly size: number },
): FileFact {
  const base = [...distribution.upstreams.values()].find(({ name }) => name === origin)?.url.replace(/\/+$/, '');
  const safe = filename.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  const url = base === undefined || !safe ? '' : `${base}/${encodePath(filename)}`;
  return { ...file, ...splitPath(filename), archive: origin, firstSeen, from: { kind: 'upstream', url } };
}
