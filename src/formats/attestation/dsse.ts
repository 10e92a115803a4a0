/**
 * DSSE, the Dead Simple Signing Envelope v1.0 (secure-systems-lab/dsse: protocol.md, envelope.md).
 *
 * An envelope carries a payload, the type of the payload, and signatures over both.
 */
import { decodeBase64, encodeBase64 } from '../../kit/base64.ts';
import { SheafError } from '../../kit/error.ts';

export type EnvelopeSignature = {
  /** A hint of which key signed; unsigned, so never a reason to believe anything. */
  readonly keyid: string;
  readonly sig: Uint8Array;
};

export type Envelope = {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
};

/** protocol.md "PAE": `DSSEv1 SP len(type) SP type SP len(body) SP body`, lengths in ASCII decimal bytes. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const encoder = new TextEncoder();
  const type = encoder.encode(payloadType);
  const head = encoder.encode(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `);
  const bytes = new Uint8Array(head.length + payload.length);
  bytes.set(head);
  bytes.set(payload, head.length);
  return bytes;
}

/** envelope.md: the JSON form, on one line. */
export function formatEnvelope(envelope: Envelope): string {
  return JSON.stringify({
    payloadType: envelope.payloadType,
    payload: encodeBase64(envelope.payload),
    signatures: envelope.signatures.map(({ keyid, sig }) => ({ keyid, sig: encodeBase64(sig) })),
  });
}

const mostSignatures = 16;

/** Reads the JSON form. Throws `bad-envelope`; unknown fields are ignored as envelope.md asks. */
export function parseEnvelope(text: string, file?: string): Envelope {
  const bad = (state: string, cause?: unknown): SheafError =>
    new SheafError('bad-envelope', `Cannot read a DSSE envelope: ${state}`, {
      ...(file === undefined ? {} : { place: { file } }),
      ...(cause === undefined ? {} : { cause }),
    });
  const bytesOf = (value: unknown, name: string): Uint8Array => {
    const bytes = typeof value === 'string' ? decodeBase64(value) : undefined;
    if (bytes === undefined) throw bad(`"${name}" is not base64`);
    return bytes;
  };

  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad('it is not JSON', error);
  }
  if (!isRecord(value)) throw bad('it is not an object');
  if (typeof value['payloadType'] !== 'string') throw bad('"payloadType" is not a string');
  const signatures = value['signatures'];
  if (!Array.isArray(signatures) || signatures.length === 0 || signatures.length > mostSignatures) {
    throw bad(`"signatures" is not a list of 1 to ${mostSignatures}`);
  }
  return {
    payloadType: value['payloadType'],
    payload: bytesOf(value['payload'], 'payload'),
    signatures: signatures.map((signature: unknown) => {
      if (!isRecord(signature)) throw bad('a signature is not an object');
      const keyid = signature['keyid'] ?? '';
      if (typeof keyid !== 'string') throw bad('"keyid" is not a string');
      return { keyid, sig: bytesOf(signature['sig'], 'sig') };
    }),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
