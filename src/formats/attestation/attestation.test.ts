import assert from 'node:assert/strict';
import { test } from 'node:test';

import { formatEnvelope, parseEnvelope, preAuthenticationEncoding } from './dsse.ts';
import { parseProvenance, toProvenanceStatement, type Provenance } from './provenance.ts';
import { formatStatement, parseStatement } from './statement.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

test('preAuthenticationEncoding gives the bytes of the specification', () => {
  const encoded = preAuthenticationEncoding('http://example.com/HelloWorld', bytes('hello world'));
  assert.equal(text(encoded), 'DSSEv1 29 http://example.com/HelloWorld 11 hello world');
});

test('preAuthenticationEncoding counts bytes, not characters', () => {
  assert.equal(text(preAuthenticationEncoding('ä', bytes('ö'))), 'DSSEv1 2 ä 2 ö');
});

test('parseEnvelope reads what formatEnvelope writes', () => {
  const envelope = { payloadType: 'a/b', payload: bytes('{}'), signatures: [{ keyid: 'k', sig: bytes('sig') }] };
  assert.deepEqual(parseEnvelope(formatEnvelope(envelope)), envelope);
});

for (const [why, envelope] of [
  ['not JSON', '{'],
  ['a list', '[]'],
  ['without a type', '{"payload":"","signatures":[{"sig":""}]}'],
  ['without signatures', '{"payloadType":"t","payload":"","signatures":[]}'],
  ['with a payload that is not base64', '{"payloadType":"t","payload":"!","signatures":[{"sig":""}]}'],
  ['with a signature that is not base64', '{"payloadType":"t","payload":"","signatures":[{"sig":"a"}]}'],
] as const) {
  test(`parseEnvelope refuses an envelope ${why}`, () => {
    assert.throws(() => parseEnvelope(envelope, 'x.json'), { code: 'bad-envelope', place: { file: 'x.json' } });
  });
}

const predicate: Provenance = {
  buildDefinition: { buildType: 'b', externalParameters: {}, internalParameters: {}, resolvedDependencies: [] },
  runDetails: {
    builder: { id: 'w' },
    metadata: { invocationId: 'i', startedOn: '2026-01-01T00:00:00Z', finishedOn: '2026-01-01T00:00:01Z' },
    byproducts: [],
  },
};
const statement = toProvenanceStatement([{ name: 'a', digest: { sha256: '0' } }], predicate);

test('parseStatement and parseProvenance read what formatStatement writes', () => {
  const parsed = parseStatement(formatStatement(statement));
  assert.deepEqual(parsed, statement);
  assert.deepEqual(parseProvenance(parsed), predicate);
});

for (const [why, change] of [
  ['of another version', { _type: 'https://in-toto.io/Statement/v0.1' }],
  ['without subjects', { subject: [] }],
  ['with a subject without a digest', { subject: [{ name: 'a', digest: {} }] }],
  ['without a predicate type', { predicateType: undefined }],
] as const) {
  test(`parseStatement refuses a statement ${why}`, () => {
    assert.throws(() => parseStatement(bytes(JSON.stringify({ ...statement, ...change }))), { code: 'bad-statement' });
  });
}

test('parseStatement refuses bytes that are not UTF-8', () => {
  assert.throws(() => parseStatement(new Uint8Array([0x7b, 0xff])), { code: 'bad-statement' });
});

test('parseProvenance refuses another predicate and every missing part', () => {
  assert.throws(() => parseProvenance({ ...statement, predicateType: 'other' }), { code: 'bad-provenance' });
  const { buildDefinition, runDetails } = predicate;
  for (const broken of [
    null,
    { runDetails },
    { buildDefinition },
    { buildDefinition: { ...buildDefinition, buildType: 1 }, runDetails },
    { buildDefinition: { ...buildDefinition, resolvedDependencies: ['a'] }, runDetails },
    { buildDefinition, runDetails: { ...runDetails, builder: {} } },
    { buildDefinition, runDetails: { ...runDetails, metadata: {} } },
  ]) {
    assert.throws(() => parseProvenance({ ...statement, predicate: broken }), { code: 'bad-provenance' });
  }
});
