import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';

import { signRequest } from './sign.ts';

// The four examples of the Amazon S3 API Reference, "Signature Calculations for the Authorization Header".
const credentials = { accessKey: 'AKIAIOSFODNN7EXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const now = new Date('2013-05-24T00:00:00Z');
const hash = (text: string) => createHash('sha256').update(text).digest('hex');

const cases = [
  {
    name: 'a range of an object',
    request: { method: 'GET', path: 'test.txt', headers: { range: 'bytes=0-9' }, body: '' },
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    name: 'an object whose name needs escapes',
    request: {
      method: 'PUT',
      path: 'test%24file.text',
      headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
      body: 'Welcome to Amazon S3.',
    },
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    name: 'a query without a value',
    request: { method: 'GET', path: '?lifecycle', headers: {}, body: '' },
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    name: 'a list',
    request: { method: 'GET', path: '?max-keys=2&prefix=J', headers: {}, body: '' },
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
] as const;

for (const { name, request, signature } of cases) {
  test(`signRequest signs ${name} as the reference does`, () => {
    const url = new URL(`https://examplebucket.s3.amazonaws.com/${request.path}`);
    const { method, headers, body } = request;
    const signed = signRequest({ method, url, headers, bodyHash: hash(body) }, credentials, 'us-east-1', now);
    assert.equal(signed['authorization']!.split('Signature=')[1], signature);
  });
}

test('signRequest never sends the secret', () => {
  const url = new URL('https://s3.example.org/bucket/a');
  const signed = signRequest({ method: 'GET', url, headers: {}, bodyHash: hash('') }, credentials, 'x', now);
  assert.ok(!JSON.stringify(signed).includes('wJalr'));
});
