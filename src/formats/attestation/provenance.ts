/** SLSA Provenance v1 (slsa.dev/spec/v1.0/provenance): the predicate that says how files came to be. */
import { SheafError } from '../../kit/error.ts';
import { statementType, type ResourceDescriptor, type Statement, type Subject } from './statement.ts';

export const provenanceType = 'https://slsa.dev/provenance/v1';

export type Provenance = {
  readonly buildDefinition: {
    readonly buildType: string;
    /** What came from outside and a verifier must judge. */
    readonly externalParameters: Readonly<Record<string, unknown>>;
    /** What the builder chose by itself. */
    readonly internalParameters: Readonly<Record<string, unknown>>;
    readonly resolvedDependencies: readonly ResourceDescriptor[];
  };
  readonly runDetails: {
    readonly builder: { readonly id: string };
    /** Times are RFC 3339 in UTC. */
    readonly metadata: { readonly invocationId: string; readonly startedOn: string; readonly finishedOn: string };
    readonly byproducts: readonly ResourceDescriptor[];
  };
};

export function toProvenanceStatement(subject: readonly Subject[], predicate: Provenance): Statement<Provenance> {
  return { _type: statementType, subject, predicateType: provenanceType, predicate };
}

/** The predicate of a statement, its shape checked. Throws `bad-provenance`. */
export function parseProvenance(statement: Statement, file?: string): Provenance {
  const check = (holds: boolean, state: string): void => {
    if (holds) return;
    throw new SheafError(
      'bad-provenance',
      `Cannot read SLSA provenance: ${state}`,
      file === undefined ? {} : { place: { file } },
    );
  };
  check(statement.predicateType === provenanceType, `the predicate's type is not ${provenanceType}`);
  const definition = member(statement.predicate, 'buildDefinition');
  const run = member(statement.predicate, 'runDetails');
  const metadata = member(run, 'metadata');
  check(typeof member(definition, 'buildType') === 'string', '"buildType" is not a string');
  check(isRecord(member(definition, 'externalParameters')), '"externalParameters" is not an object');
  check(isRecord(member(definition, 'internalParameters')), '"internalParameters" is not an object');
  check(isListOfRecords(member(definition, 'resolvedDependencies')), '"resolvedDependencies" is not a list of objects');
  check(typeof member(member(run, 'builder'), 'id') === 'string', '"builder.id" is not a string');
  for (const name of ['invocationId', 'startedOn', 'finishedOn']) {
    check(typeof member(metadata, name) === 'string', `"metadata.${name}" is not a string`);
  }
  check(isListOfRecords(member(run, 'byproducts')), '"byproducts" is not a list of objects');
  return statement.predicate as Provenance;
}

function member(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOfRecords(value: unknown): boolean {
  return Array.isArray(value) && value.length <= 100_000 && value.every(isRecord);
}
