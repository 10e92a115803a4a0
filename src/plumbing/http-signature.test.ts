import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import {
  formatContentDigest,
  mostSkew,
  readSignature,
  signatureBase,
  signRequest,
  verifySignature,
  type HttpMessage,
} from './http-signature.ts';
import { toSigningKey, verifyEd25519 } from './keys.ts';

// RFC 9421 appendix B.1.4 and B.2.6.
const rfcKey = toSigningKey(
  createPrivateKey(
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n',
  ),
);

test("signatureBase and Ed25519 give the signature of RFC 9421's example B.2.6", () => {
  const headers: Record<string, string> = {
    date: 'Tue, 20 Apr 2021 02:07:55 GMT',
    'content-type': 'application/json',
    'content-length': '18',
  };
  const components = ['date', '@method', '@path', '@authority', 'content-type', 'content-length'];
  const base = signatureBase(
    {
      method: 'POST',
      path: '/foo',
      query: '?param=Value&Pet=dog',
      authority: 'example.com',
      header: (name) => headers[name],
    },
    components,
    `(${components.map((name) => `"${name}"`).join(' ')});created=1618884473;keyid="test-key-ed25519"`,
  );
  const expected = 'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==';
  assert.equal(Buffer.from(rfcKey.sign(Buffer.from(base))).toString('base64'), expected);
});

test("formatContentDigest gives the value of RFC 9530's example", () => {
  // Appendix B.1: {"hello": "world"} and a line feed.
  assert.equal(
    formatContentDigest(sha256('{"hello": "world"}\n')),
    'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:',
  );
});

const now = new Date('2026-11-21T10:00:00Z');
const key = toSigningKey(generateKeyPairSync('ed25519').privateKey);
const request = { method: 'POST', path: '/api/worker/lease', query: '?a=1', body: sha256('{}') };
const headers = signRequest(
  request,
  { keyId: 'w1', sign: key.sign },
  { created: now, nonce: 'AAAAAAAAAAAAAAAAAAAAAA' },
);

function message(changes: Partial<HttpMessage> = {}, changed: Record<string, string | undefined> = {}): HttpMessage {
  const all: Record<string, string | undefined> = { ...headers, ...changed };
  return { ...request, header: (name) => all[name], ...changes };
}

function judge(received: HttpMessage, publicKey = key.publicKey, at = now): string {
  const signature = readSignature(received);
  if ('kind' in signature) return signature.code;
  const answer = verifySignature(received, signature, publicKey, at);
  return answer.kind === 'verified' ? `${signature.keyId} ${signature.body}` : answer.code;
}

test('verifySignature accepts what signRequest signed, and says who and which body', () => {
  assert.equal(judge(message()), `w1 ${sha256('{}')}`);
});

for (const [what, received] of [
  ['another method', message({ method: 'PUT' })],
  ['another path', message({ path: '/api/worker/enrol' })],
  ['another query', message({ query: '?a=2' })],
  ['no query', message({ query: '' })],
  ['another body', message({}, { 'content-digest': formatContentDigest(sha256('x')) })],
  ['another nonce', message({}, { 'signature-input': headers['signature-input']!.replace('AAAA', 'BBBB') })],
  ['another worker', message({}, { 'signature-input': headers['signature-input']!.replace('"w1"', '"w2"') })],
  ['fewer components', message({}, { 'signature-input': headers['signature-input']!.replace('"@query" ', '') })],
  ['a second signature', message({}, { 'signature-input': `${headers['signature-input']}, b=()` })],
  ['a body without its digest', message({}, { 'content-digest': undefined })],
] as const) {
  test(`verifySignature refuses ${what}`, () => assert.equal(judge(received), 'bad-signature'));
}

test('verifySignature refuses another key, and a key that is none', () => {
  const other = toSigningKey(generateKeyPairSync('ed25519').privateKey);
  assert.equal(judge(message(), other.publicKey), 'bad-signature');
  assert.equal(judge(message(), 'AAAA'), 'bad-signature');
});

test('readSignature calls a request without a signature unsigned', () => {
  assert.equal(judge(message({}, { signature: undefined })), 'unsigned');
});

test('verifySignature refuses a signature from outside its window on either side', () => {
  const at = (shift: number): Date => new Date(now.getTime() + shift);
  assert.equal(judge(message(), key.publicKey, at(mostSkew)), `w1 ${sha256('{}')}`);
  assert.equal(judge(message(), key.publicKey, at(mostSkew + 1)), 'clock-skew');
  assert.equal(judge(message(), key.publicKey, at(-mostSkew - 1)), 'clock-skew');
});

test('verifyEd25519 is false, not an error, for malformed keys and signatures', () => {
  assert.equal(verifyEd25519('not a key', new Uint8Array(), new Uint8Array(64)), false);
  assert.equal(verifyEd25519(key.publicKey, new Uint8Array(), new Uint8Array(3)), false);
});
