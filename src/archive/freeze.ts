/**
 * Frozen suites take no new packages: no tag is admitted, no upload accepted, nothing copied or rolled back. What was
 * admitted before goes on, removals too, and the Release file is renewed. A suite is frozen by sheaf.toml or by a person.
 */
import type { Suite } from '../model/distribution.ts';
import { findSuite } from './accept.ts';
import type { ArchiveDeps } from './ports.ts';
import { lockRepository, recordEvent, type Db } from './store.ts';
import { deleteFreeze, insertFreeze, readFreeze } from './store-freeze.ts';

export type FreezeRequest = {
  readonly suite: string;
  /** Who does it, for the event. */
  readonly by: string;
  readonly reason: string | undefined;
};

export type FreezeResult =
  | { readonly kind: 'done' }
  /** It was so before. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly reasons: readonly string[] };

/** Why nothing may come into the suite now, or undefined. */
export async function frozenReason(db: Db, suite: Suite): Promise<string | undefined> {
  if (suite.frozen) return `Suite "${suite.name}" is frozen: see frozen of the suite in sheaf.toml`;
  const freeze = await readFreeze(db, suite.name);
  if (freeze === undefined) return undefined;
  const why = freeze.reason === undefined ? '' : ` (${freeze.reason})`;
  return `Suite "${suite.name}" is frozen by ${freeze.by} since ${freeze.since.toISOString()}${why}: see sheaf suite thaw`;
}

/** Throws `unknown-suite`. */
export async function freezeSuite(deps: ArchiveDeps, request: FreezeRequest, now: Date): Promise<FreezeResult> {
  const suite = findSuite(deps, request.suite);
  return deps.db.transaction().execute(async (transaction) => {
    // Whoever looks whether it is frozen holds the same lock until their packages are in.
    await lockRepository(transaction, suite.repository);
    if (!(await insertFreeze(transaction, suite.name, request, now))) return { kind: 'unchanged' };
    await recordEvent(transaction, deps.distribution, now, {
      kind: 'suite-frozen',
      message: `Suite ${suite.name} frozen by ${request.by}${because(request)}`,
      suite: suite.name,
      actor: request.by,
    });
    return { kind: 'done' };
  });
}

/** Throws `unknown-suite`. Refused when sheaf.toml freezes it: a person cannot undo that. */
export async function thawSuite(deps: ArchiveDeps, request: FreezeRequest, now: Date): Promise<FreezeResult> {
  const suite = findSuite(deps, request.suite);
  return deps.db.transaction().execute(async (transaction): Promise<FreezeResult> => {
    await lockRepository(transaction, suite.repository);
    const thawed = await deleteFreeze(transaction, suite.name);
    if (thawed) {
      await recordEvent(transaction, deps.distribution, now, {
        kind: 'suite-thawed',
        message: `Suite ${suite.name} thawed by ${request.by}${because(request)}`,
        suite: suite.name,
        actor: request.by,
      });
    }
    if (suite.frozen) {
      return { kind: 'refused', reasons: [`Suite "${suite.name}" is frozen by sheaf.toml: set frozen = false there`] };
    }
    return { kind: thawed ? 'done' : 'unchanged' };
  });
}

function because({ reason }: FreezeRequest): string {
  return reason === undefined ? '' : `: ${reason}`;
}
