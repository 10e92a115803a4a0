/** Removing packages from a suite: the next snapshot is without them; every file and every older snapshot stays. */
import { SheafError } from '../kit/error.ts';
import type { Suite } from '../model/distribution.ts';
import { findSuite } from './accept.ts';
import { endReason } from './end-of-life.ts';
import { because, splitName, type Asked, type OperationBy, type OperationResult } from './operations.ts';
import type { ArchiveDeps } from './ports.ts';
import { publishSuite } from './publish.ts';
import { lockRepository, recordEvent, type Db } from './store.ts';
import { everHad, listPublications, setRemoved, type PublicationRow } from './store-removal.ts';

export type RemoveRequest = OperationBy & {
  readonly suite: string;
  /** `name` or `name=version`: source packages, which go with all their binaries, or binary packages. */
  readonly packages: readonly string[];
  readonly of: 'source' | 'binary';
};

/**
 * A version that was removed does not come back by itself: neither by a build that ends later nor by the same upload.
 * Throws `unknown-suite`, `not-in-suite`.
 */
export async function removePackages(deps: ArchiveDeps, request: RemoveRequest, now: Date): Promise<OperationResult> {
  const suite = findSuite(deps, request.suite);
  const end = endReason(suite, now);
  if (end !== undefined) return { kind: 'refused', reasons: [end] };
  const result = await deps.db.transaction().execute(async (transaction) => {
    await lockRepository(transaction, suite.repository);
    const rows = await chooseRows(transaction, suite, request);
    if (!request.dryRun && rows.length > 0) {
      const ids = rows.map((row) => row.publication);
      await setRemoved(transaction, ids, true);
      for (const [source, gone] of Map.groupBy(rows, (row) => row.source)) {
        await recordEvent(transaction, deps.distribution, now, {
          kind: 'packages-removed',
          message: `${[...new Set(gone.map(describeRow))].join(', ')} removed from ${suite.name} by ${request.by}${because(request)}`,
          suite: suite.name,
          source,
          actor: request.by,
        });
      }
    }
    return {
      kind: 'done',
      entering: [],
      leaving: rows.map(describeRow),
      leftOut: [],
      number: undefined,
    } as const;
  });
  if (request.dryRun) return result;
  // Also when there is nothing left to do: an earlier run may have ended before this.
  return { ...result, number: (await publishSuite(deps, suite.name, now)).number };
}

async function chooseRows(db: Db, suite: Suite, { packages, of }: RemoveRequest): Promise<PublicationRow[]> {
  const asked = packages.map(splitName);
  const live = await listPublications(db, suite.name, { live: true });
  const chosen = live.filter((row) => asked.some((each) => fits(row, each, of)));
  const missing: string[] = [];
  for (const each of asked) {
    if (live.some((row) => fits(row, each, of)) || (await everHad(db, suite.name, of, each))) continue;
    missing.push(each.version === undefined ? each.name : `${each.name}=${each.version}`);
  }
  if (missing.length > 0) {
    throw new SheafError('not-in-suite', `Cannot find in suite "${suite.name}": ${of} package ${missing.join(', ')}`, {
      kind: 'usage',
      hint: `See: sheaf suite show ${suite.name}${of === 'source' ? '; binary packages are named with --binary' : ''}`,
    });
  }
  return chosen.filter((row) => !row.removed);
}

function fits(row: PublicationRow, { name, version }: Asked, of: 'source' | 'binary'): boolean {
  if (of === 'binary') return row.kind === 'binary' && row.name === name && (version ?? row.version) === row.version;
  return row.source === name && (version ?? row.sourceVersion) === row.sourceVersion;
}

export function describeRow(row: PublicationRow): string {
  return `${row.name} ${row.version} ${row.architecture}`;
}
