/**
 * Signed HTTP requests: RFC 9421 with Ed25519, bodies bound by the Content-Digest of RFC 9530.
 *
 * The profile that workers speak: one signature that covers exactly the four components of `covered`, with the
 * parameters created, keyid, nonce, alg and tag. A profile this narrow has one way to be written, so there is nothing
 * to negotiate. The host is not covered, since a proxy may change it: a worker has a key of its own for each server.
 */
import { createHash } from 'node:crypto';

import { decodeBase64, encodeBase64 } from '../kit/base64.ts';
import type { Sha256 } from '../kit/digest.ts';
import { verifyEd25519 } from './keys.ts';

export type HttpMessage = {
  readonly method: string;
  /** As it was sent, beginning with `/`. */
  readonly path: string;
  /** With its `?`, or empty. */
  readonly query: string;
  readonly authority?: string;
  /** Lower-case names. */
  readonly header: (name: string) => string | undefined;
};

export type RequestSigner = { readonly keyId: string; readonly sign: (bytes: Uint8Array) => Uint8Array };

export const covered = ['@method', '@path', '@query', 'content-digest'] as const;
const tag = 'sheaf-worker';

/** How far the clocks of worker and server may be apart, in milliseconds. */
export const mostSkew = 5 * 60_000;

/** The headers that sign a request whose body has this SHA-256. `nonce` is fresh and never used again. */
export function signRequest(
  request: { readonly method: string; readonly path: string; readonly query: string; readonly body: Sha256 },
  signer: RequestSigner,
  moment: { readonly created: Date; readonly nonce: string },
): Record<string, string> {
  const digest = formatContentDigest(request.body);
  const created = Math.floor(moment.created.getTime() / 1000);
  const components = covered.map((name) => `"${name}"`).join(' ');
  const parameters =
    `(${components});created=${created};keyid="${signer.keyId}";nonce="${moment.nonce}"` +
    `;alg="ed25519";tag="${tag}"`;
  const header = (name: string): string | undefined => (name === 'content-digest' ? digest : undefined);
  const base = signatureBase({ ...request, header }, covered, parameters);
  return {
    'content-digest': digest,
    'signature-input': `sheaf=${parameters}`,
    signature: `sheaf=:${encodeBase64(signer.sign(new TextEncoder().encode(base)))}:`,
  };
}

export type RequestSignature = {
  readonly keyId: string;
  readonly nonce: string;
  readonly created: Date;
  /** What the body's SHA-256 has to be, lower-case hex. */
  readonly body: Sha256;
  /** The signature parameters as they were sent. */
  readonly parameters: string;
  readonly bytes: Uint8Array;
};

export type SignatureRefusal = {
  readonly kind: 'refused';
  readonly code: 'unsigned' | 'bad-signature' | 'clock-skew';
  readonly message: string;
};

/** Step 1, RFC 9421 §3.2 items 1 to 4: what the request says about its signature. Believe none of it yet. */
export function readSignature(message: HttpMessage): RequestSignature | SignatureRefusal {
  const input = message.header('signature-input');
  const signature = message.header('signature');
  if (input === undefined || signature === undefined) return refused('unsigned', 'the request is not signed');
  const parsed = inputPattern.exec(input.length > 1000 ? '' : input);
  const value = signaturePattern.exec(signature.length > 1000 ? '' : signature);
  if (parsed === null) return refused('bad-signature', 'Signature-Input does not have the expected form');
  if (value === null || value[1] !== parsed[1])
    return refused('bad-signature', 'Signature does not have the expected form');
  const bytes = decodeBase64(value[2]!);
  if (bytes === undefined) return refused('bad-signature', 'Signature is not base64');
  const body = parseContentDigest(message.header('content-digest'));
  if (body === undefined) return refused('bad-signature', 'Content-Digest does not name one SHA-256');
  return {
    created: new Date(Number(parsed[3]) * 1000),
    keyId: parsed[4]!,
    nonce: parsed[5]!,
    body,
    parameters: parsed[2]!,
    bytes,
  };
}

/** Step 2, RFC 9421 §3.2 items 5 to 8: made recently, and by the holder of this key, over this request. */
export function verifySignature(
  message: HttpMessage,
  signature: RequestSignature,
  publicKey: string,
  now: Date,
): { readonly kind: 'verified' } | SignatureRefusal {
  const skew = now.getTime() - signature.created.getTime();
  if (Math.abs(skew) > mostSkew) {
    const seconds = Math.round(Math.abs(skew) / 1000);
    return refused('clock-skew', `the request was signed ${seconds} s ${skew > 0 ? 'ago' : 'in the future'}`);
  }
  const base = new TextEncoder().encode(signatureBase(message, covered, signature.parameters));
  return verifyEd25519(publicKey, base, signature.bytes)
    ? { kind: 'verified' }
    : refused('bad-signature', 'the signature does not verify');
}

/** RFC 9421 §2.5: one line a component, then the parameters. A component that is missing is an empty line. */
export function signatureBase(message: HttpMessage, components: readonly string[], parameters: string): string {
  const lines = components.map((name) => `"${name}": ${componentValue(message, name)}`);
  return [...lines, `"@signature-params": ${parameters}`].join('\n');
}

function componentValue(message: HttpMessage, name: string): string {
  switch (name) {
    case '@method': // §2.2.1
      return message.method;
    case '@authority': // §2.2.3
      return (message.authority ?? '').toLowerCase();
    case '@path': // §2.2.6
      return message.path;
    case '@query': // §2.2.7: a `?` also when there is no query
      return message.query === '' ? '?' : message.query;
    default: // §2.1
      return (message.header(name) ?? '').trim();
  }
}

/** RFC 9530 §2. */
export function formatContentDigest(digest: Sha256): string {
  return `sha-256=:${Buffer.from(digest, 'hex').toString('base64')}:`;
}

function parseContentDigest(text: string | undefined): Sha256 | undefined {
  const match = /^sha-256=:([A-Za-z0-9+/]{43}=):$/.exec(text ?? '');
  const bytes = match === null ? undefined : decodeBase64(match[1]!);
  return bytes === undefined ? undefined : (Buffer.from(bytes).toString('hex') as Sha256);
}

export const emptyBody: Sha256 = createHash('sha256').digest('hex') as Sha256;

const coveredPattern = covered.map((name) => `"${name}"`).join(' ');
const inputPattern = new RegExp(
  `^([a-z][a-z0-9_-]{0,30})=(\\(${coveredPattern}\\);created=(\\d{1,12});keyid="([A-Za-z0-9._-]{1,100})"` +
    `;nonce="([A-Za-z0-9+/=_-]{16,64})";alg="ed25519";tag="${tag}")$`,
);
const signaturePattern = /^([a-z][a-z0-9_-]{0,30})=:([A-Za-z0-9+/]{86}==):$/;

function refused(code: SignatureRefusal['code'], message: string): SignatureRefusal {
  return { kind: 'refused', code, message };
}
