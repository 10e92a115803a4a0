/** in-toto Statement v1 (in-toto/attestation: spec/v1/statement.md, resource_descriptor.md, digest_set.md). */
import { SheafError } from '../../kit/error.ts';

/** envelope.md: the payload type of every in-toto statement. */
export const statementPayloadType = 'application/vnd.in-toto+json';
export const statementType = 'https://in-toto.io/Statement/v1';

/** digest_set.md: algorithm → lower-case hex. */
export type DigestSet = Readonly<Record<string, string>>;

/** resource_descriptor.md; at least one of name, uri, digest. */
export type ResourceDescriptor = {
  readonly name?: string;
  readonly uri?: string;
  readonly digest?: DigestSet;
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** statement.md: a subject must have a digest. */
export type Subject = { readonly name: string; readonly digest: DigestSet };

export type Statement<Predicate = unknown> = {
  readonly _type: typeof statementType;
  readonly subject: readonly Subject[];
  readonly predicateType: string;
  readonly predicate: Predicate;
};

/** The bytes that an envelope carries. */
export function formatStatement(statement: Statement): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(statement));
}

const mostSubjects = 10_000;

/** Reads a statement. Throws `bad-statement`. The predicate is left as it is: its type's own parser reads it. */
export function parseStatement(bytes: Uint8Array, file?: string): Statement {
  const bad = (state: string, cause?: unknown): SheafError =>
    new SheafError('bad-statement', `Cannot read an in-toto statement: ${state}`, {
      ...(file === undefined ? {} : { place: { file } }),
      ...(cause === undefined ? {} : { cause }),
    });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw bad('it is not JSON in UTF-8', error);
  }
  if (!isRecord(value)) throw bad('it is not an object');
  if (value['_type'] !== statementType) throw bad(`"_type" is not ${statementType}`);
  if (typeof value['predicateType'] !== 'string') throw bad('"predicateType" is not a string');
  const subjects = value['subject'];
  if (!Array.isArray(subjects) || subjects.length === 0 || subjects.length > mostSubjects) {
    throw bad(`"subject" is not a list of 1 to ${mostSubjects}`);
  }
  const subject = subjects.map((entry: unknown): Subject => {
    if (!isRecord(entry) || typeof entry['name'] !== 'string') throw bad('a subject has no name');
    const digest = entry['digest'];
    if (!isRecord(digest) || Object.keys(digest).length === 0) throw bad('a subject has no digest');
    if (!Object.values(digest).every((text) => typeof text === 'string')) throw bad('a digest is not a string');
    return { name: entry['name'], digest: digest as DigestSet };
  });
  return { _type: statementType, subject, predicateType: value['predicateType'], predicate: value['predicate'] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
