/** What another rebuilder says of published files: believed only as far as sheaf.toml does, and only once. */
import { SheafError, describeError } from '../kit/error.ts';
import type { Distribution, ForeignRebuilder } from '../model/distribution.ts';
import type { RebuildResult, RebuiltFile } from '../model/rebuild.ts';
import type { RecordDeps } from './record.ts';
import { readRebuild, type RebuildStatement } from './statement.ts';
import { insertRebuild, isFollowed, knownDigests, placeOfFiles, recordRefusal } from './store.ts';

export type AcceptDeps = RecordDeps & {
  readonly distribution: Pick<Distribution, 'notifiers' | 'rebuilders' | 'suites'>;
};

export type Accepted = { readonly id: number; readonly rebuilder: string; readonly said: RebuildStatement };

/** Clocks that differ are forgiven this much, in milliseconds. */
const skew = 5 * 60_000;

/**
 * Takes a statement of a rebuilder that sheaf.toml names; `actor` is who brought it. The same statement again changes
 * nothing. A statement that a named rebuilder signed and that is refused stays in the audit trail; others leave no trace,
 * for anybody could send them. Throws what `readRebuild` throws, `revoked-rebuilder`, `not-valid-then`, `other-file`,
 * `replayed`.
 */
export async function acceptStatement(
  deps: AcceptDeps,
  envelope: string,
  { file, actor }: { readonly file?: string; readonly actor?: string } = {},
): Promise<Accepted> {
  const { said, signer } = readRebuild(
    envelope,
    [...(deps.distribution.rebuilders?.values() ?? [])],
    deps.verify,
    file,
  );
  try {
    checkTimes(signer, said, deps.now());
    for (const each of said.result.files) await checkFile(deps, each);
    const place = await placeHere(deps, said.result);
    const { sha256 } = await deps.blobs.putBytes(envelope);
    const by = { rebuilder: signer.name, key: signer.publicKey, origin: 'foreign' as const };
    const record = { ...said, ...by, statement: sha256, place, actor };
    return { id: await insertRebuild(deps, record), rebuilder: signer.name, said };
  } catch (error) {
    if (error instanceof SheafError && error.kind === 'refused') {
      const message = `A statement of rebuilder ${signer.name} was refused: ${describeError(error)}`;
      await recordRefusal(deps, { message, source: said.result.source, actor });
    }
    throw error;
  }
}

function checkTimes(rebuilder: ForeignRebuilder, { result }: RebuildStatement, now: Date): void {
  const { name, validAfter, validBefore, isRevoked } = rebuilder;
  const what = `Cannot accept the statement of rebuilder ${name} about ${result.source} ${result.version}`;
  if (isRevoked) {
    throw new SheafError('revoked-rebuilder', `${what}: sheaf.toml says that its key is revoked`, {
      hint: `If it has a new key, name that one: [rebuilder.${name}]`,
    });
  }
  const finished = new Date(result.finishedOn);
  if (finished.getTime() > now.getTime() + skew) {
    throw new SheafError('not-valid-then', `${what}: it ended in the future, on ${result.finishedOn}`, {
      hint: 'One of the two clocks is wrong.',
    });
  }
  for (const [moment, which] of [
    [finished, `the rebuild ended on ${result.finishedOn}`],
    [now, 'it comes today'],
  ] as const) {
    if ((validAfter !== undefined && moment < validAfter) || (validBefore !== undefined && moment >= validBefore)) {
      throw new SheafError('not-valid-then', `${what}: ${which}, when its key is not valid by sheaf.toml`, {
        hint: `See valid-after and valid-before of [rebuilder.${name}].`,
      });
    }
  }
}

/** Where the package is known here, the statement must be about the bytes that are known. */
async function checkFile(
  deps: AcceptDeps,
  { name, version, architecture, file, original }: RebuiltFile,
): Promise<void> {
  const known = await knownDigests(deps.db, name, version, architecture);
  if (known.length === 0 || known.includes(original.sha256)) return;
  throw new SheafError(
    'other-file',
    `Cannot accept what is said of ${file}: ${name} ${version} ${architecture} is ${known.join(' or ')} here, ` +
      `and the statement is about ${original.sha256}`,
    { hint: 'It is a statement about another archive, or that rebuilder was given a file that was tampered with.' },
  );
}

/**
 * Another rebuilder has names of its own for places, so the files tell where they are published. Where they are not known
 * here its name is kept, but for one by which we call something else.
 */
async function placeHere(
  { db, distribution }: Pick<AcceptDeps, 'db' | 'distribution'>,
  { files, place }: RebuildResult,
): Promise<string | undefined> {
  const found = await placeOfFiles(
    db,
    files.map(({ original }) => original.sha256),
  );
  if (found !== undefined || place === undefined) return found;
  const isOurs = [...distribution.suites.keys()].some((suite) => suite === place) || (await isFollowed(db, place));
  return isOurs ? undefined : place;
}

/** Whose words count beside our own. */
export function believedRebuilders({ rebuilders }: Pick<Distribution, 'rebuilders'>): {
  readonly foreign: ReadonlyMap<string, string>;
} {
  const believed = [...(rebuilders?.values() ?? [])].filter((each) => !each.isRevoked);
  return { foreign: new Map(believed.map(({ publicKey, name }) => [publicKey, name])) };
}
