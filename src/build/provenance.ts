/** What a worker says about a build, and whether it says what the server knows to be true. */
import { isDeepStrictEqual } from 'node:util';

import { parseEnvelope, preAuthenticationEncoding } from '../formats/attestation/dsse.ts';
import { parseProvenance, toProvenanceStatement, type Provenance } from '../formats/attestation/provenance.ts';
import {
  parseStatement,
  statementPayloadType,
  type ResourceDescriptor,
  type Statement,
} from '../formats/attestation/statement.ts';
import type { Sha256 } from '../kit/digest.ts';
import { describeError } from '../kit/error.ts';
import type { InputFile, JobId, JobSpec } from '../model/job.ts';
import type { Lock } from '../model/lock.ts';
import type { VerifySignature } from './ports.ts';

/** What externalParameters and internalParameters mean; documented in docs/. */
export const buildType = 'urn:sheaf:build-type:debian-package:v1';

export type BuildFacts = {
  readonly job: JobId;
  readonly attempt: number;
  readonly spec: JobSpec;
  readonly lock: Lock;
  readonly files: readonly InputFile[];
  /** URI of the worker. */
  readonly builderId: string;
  readonly log: Sha256;
};

/** What only the worker knows. */
export type RunFacts = { readonly sandbox: string; readonly startedOn: string; readonly finishedOn: string };

export function toStatement(facts: BuildFacts, run: RunFacts): Statement<Provenance> {
  const { spec } = facts;
  return toProvenanceStatement(facts.files.map(toSubject), {
    buildDefinition: {
      buildType,
      externalParameters: external(spec.origin),
      internalParameters: {
        kind: spec.kind,
        builds: spec.builds,
        source: spec.source,
        version: spec.version,
        architecture: spec.architecture,
        sourceDateEpoch: spec.sourceDateEpoch,
        limits: { ...spec.limits },
        signer: spec.origin.signer,
        sandbox: run.sandbox,
        ...(spec.conditions === undefined ? {} : { conditions: spec.conditions }),
      },
      resolvedDependencies: dependencies(spec, facts.lock),
    },
    runDetails: {
      builder: { id: facts.builderId },
      metadata: {
        invocationId: `job ${facts.job}, attempt ${facts.attempt}`,
        startedOn: run.startedOn,
        finishedOn: run.finishedOn,
      },
      byproducts: [
        { name: 'log', digest: { sha256: facts.log } },
        ...facts.files.filter(({ name }) => name.endsWith('.buildinfo')).map(toSubject),
      ],
    },
  });
}

function external(origin: JobSpec['origin']): Record<string, string> {
  if ('rebuild' in origin) return { rebuild: `task ${origin.rebuild}`, place: origin.place };
  return 'upload' in origin
    ? { upload: origin.upload.name, suite: origin.suite }
    : { repository: origin.repository, tag: origin.tag, suite: origin.suite };
}

/** That of a rebuild is among its inputs. */
function sourceOf(origin: JobSpec['origin']): ResourceDescriptor[] {
  if ('rebuild' in origin) return [];
  if ('upload' in origin) return [{ name: origin.upload.name, digest: { sha256: origin.upload.sha256 } }];
  const uri = `git+${origin.repository}@refs/tags/${origin.tag}`;
  const digest = { gitTag: origin.tagObject, gitCommit: origin.commit, gitTree: origin.tree };
  return [{ name: 'source', uri, digest }];
}

function dependencies(spec: JobSpec, lock: Lock): ResourceDescriptor[] {
  return [
    ...sourceOf(spec.origin),
    { name: 'lock', digest: { sha256: spec.lock } },
    { name: 'base lock', digest: { sha256: spec.baseLock } },
    ...spec.inputs.map(toSubject),
    ...lock.packages.map((each) => ({
      name: `${each.name}_${each.version}_${each.architecture}`,
      uri: each.url,
      digest: { sha256: each.sha256 },
    })),
  ];
}

function toSubject(file: InputFile): { name: string; digest: { sha256: string } } {
  return { name: file.name, digest: { sha256: file.sha256 } };
}

/**
 * Every reason why this envelope is not the worker's statement about exactly this build; none when it is. The times and
 * the sandbox's name are the worker's word, everything else is compared with what the server knows.
 */
export function checkProvenance(
  envelopeText: string,
  facts: BuildFacts,
  publicKey: string,
  verify: VerifySignature,
): string[] {
  try {
    const envelope = parseEnvelope(envelopeText, 'provenance');
    if (envelope.payloadType !== statementPayloadType) return ['The provenance is not an in-toto statement'];
    const bytes = preAuthenticationEncoding(envelope.payloadType, envelope.payload);
    if (!envelope.signatures.some(({ sig }) => verify(publicKey, bytes, sig))) {
      return ['The provenance is not signed by the worker that sent it'];
    }
    const statement = parseStatement(envelope.payload, 'provenance');
    return compare(statement, parseProvenance(statement, 'provenance'), facts);
  } catch (error) {
    return [describeError(error)];
  }
}

function compare(statement: Statement, said: Provenance, facts: BuildFacts): string[] {
  const { startedOn, finishedOn } = said.runDetails.metadata;
  const sandbox = said.buildDefinition.internalParameters['sandbox'];
  const times = [startedOn, finishedOn].map((text) => Date.parse(text));
  if (!times.every(Number.isFinite) || times[0]! > times[1]!) return ['The provenance has impossible times'];
  if (typeof sandbox !== 'string') return ['The provenance does not say which sandbox it used'];
  const expected = toStatement(facts, { sandbox, startedOn, finishedOn });
  const known = expected.predicate;
  const parts: [string, unknown, unknown][] = [
    ['subjects are not exactly the files of the result', statement.subject, expected.subject],
    ['build type differs', said.buildDefinition.buildType, buildType],
    ['external parameters differ', said.buildDefinition.externalParameters, known.buildDefinition.externalParameters],
    ['internal parameters differ', said.buildDefinition.internalParameters, known.buildDefinition.internalParameters],
    ['dependencies differ', said.buildDefinition.resolvedDependencies, known.buildDefinition.resolvedDependencies],
    ['builder is not this worker', said.runDetails.builder.id, facts.builderId],
    ['attempt is another', said.runDetails.metadata.invocationId, known.runDetails.metadata.invocationId],
    [
      'byproducts differ from the stored log and the .buildinfo',
      said.runDetails.byproducts,
      known.runDetails.byproducts,
    ],
  ];
  return parts.filter(([, left, right]) => !isDeepStrictEqual(left, right)).map(([what]) => `The provenance's ${what}`);
}
