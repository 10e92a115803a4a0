/**
 * What a rebuilder says of published files, as an in-toto Statement v1 in a DSSE envelope.
 *
 * The subjects are the published files, whatever the verdict: a statement that a file was not reproduced is found by the
 * file's hash like any other. The predicate's type, `urn:sheaf:rebuild:v1`, is described in docs/read-a-verdict.md.
 */
import { isDeepStrictEqual } from 'node:util';

import { openStatement, signStatement } from '../formats/attestation/signed-statement.ts';
import { statementType, type Statement, type Subject } from '../formats/attestation/statement.ts';
import { SheafError } from '../kit/error.ts';
import { toRebuildResult, type RebuildResult } from '../model/rebuild.ts';
import type { VerifySignature } from './ports.ts';

export const rebuildType = 'urn:sheaf:rebuild:v1';

/** Who may sign: a worker, this house, or a rebuilder that sheaf.toml names. */
export type Rebuilder = { readonly name: string; readonly publicKey: string };

/** The predicate. */
export type RebuildStatement = {
  /** The rebuilder's own name for itself, and for this one rebuild: it signs no two with the same. */
  readonly rebuilder: string;
  readonly invocation: string;
  readonly result: RebuildResult;
};

/** The envelope as JSON text. Throws `no-subject` when the result names no published file. */
export function signRebuild(said: RebuildStatement, sign: (bytes: Uint8Array) => Uint8Array): string {
  if (said.result.files.length === 0) {
    throw new SheafError('no-subject', 'Cannot sign the result of a rebuild: it names no published file');
  }
  const statement: Statement<RebuildStatement> = {
    _type: statementType,
    subject: subjectsOf(said.result),
    predicateType: rebuildType,
    predicate: said,
  };
  return signStatement(statement, said.rebuilder, sign);
}

/**
 * What an envelope says, once its signature, its types and its subjects are those of a rebuild by one of `rebuilders`.
 * Throws `bad-envelope`, `bad-signature`, `bad-statement`, `bad-rebuild`.
 */
export function readRebuild<R extends Rebuilder>(
  envelope: string,
  rebuilders: readonly R[],
  verify: VerifySignature,
  file?: string,
): { readonly said: RebuildStatement; readonly signer: R } {
  const { statement, signer } = openStatement(
    envelope,
    rebuilders,
    ({ publicKey }, bytes, signature) => verify(publicKey, bytes, signature),
    file,
  );
  const bad = (state: string): SheafError =>
    new SheafError('bad-statement', `Cannot read a statement of a rebuild: ${state}`, {
      ...(file === undefined ? {} : { place: { file } }),
    });
  if (statement.predicateType !== rebuildType) throw bad(`its predicate is not of type ${rebuildType}`);
  const { rebuilder, invocation, result } = Object(statement.predicate) as Partial<Record<string, unknown>>;
  if (!isName(rebuilder) || !isName(invocation)) {
    throw bad('"rebuilder" and "invocation" are not text of 1 to 200 characters');
  }
  const said: RebuildStatement = { rebuilder, invocation, result: toRebuildResult(result, file) };
  if (!isDeepStrictEqual(statement.subject, subjectsOf(said.result))) {
    throw bad('its subjects are not the published files of its predicate');
  }
  return { said, signer };
}

function subjectsOf({ files }: RebuildResult): Subject[] {
  return files.map(({ file, original }) => ({ name: file, digest: { sha256: original.sha256 } }));
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[^\p{Cc}]{1,200}$/u.test(value);
}
