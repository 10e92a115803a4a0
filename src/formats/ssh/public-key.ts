/**
 * SSH public keys: the blob (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4, OpenSSH's PROTOCOL.u2f)
 * and the one-line form of authorized_keys without options.
 */
import { decodeBase64 } from '../../kit/base64.ts';
import { badSsh, WireReader } from './wire.ts';

export type Curve = 'nistp256' | 'nistp384' | 'nistp521';

export type SshPublicKey = { readonly type: string; readonly blob: Uint8Array } & (
  | { readonly kind: 'ed25519'; readonly key: Uint8Array }
  | { readonly kind: 'ecdsa'; readonly curve: Curve; readonly point: Uint8Array }
  | { readonly kind: 'rsa'; readonly exponent: Uint8Array; readonly modulus: Uint8Array }
  | { readonly kind: 'sk-ed25519'; readonly key: Uint8Array; readonly application: string }
  | { readonly kind: 'sk-ecdsa'; readonly curve: 'nistp256'; readonly point: Uint8Array; readonly application: string }
  /** Well-formed, but of a kind that we do not take: `ssh-dss`, certificates. */
  | { readonly kind: 'unsupported' }
);

export type SshKeyLine = { readonly key: SshPublicKey; readonly comment: string };

const coordinateSize: Readonly<Record<Curve, number>> = { nistp256: 32, nistp384: 48, nistp521: 66 };

/** `TYPE BASE64 [COMMENT]`. Throws `bad-ssh`. */
export function parsePublicKeyLine(line: string): SshKeyLine {
  const match = /^([a-z0-9][a-z0-9@.-]{0,99}) ([A-Za-z0-9+/=]{1,20000})(?: (.*))?$/.exec(line.trim());
  if (match === null) throw badSsh('SSH public key', 'expected "TYPE BASE64 COMMENT" on one line');
  const blob = decodeBase64(match[2]!);
  if (blob === undefined) throw badSsh('SSH public key', 'its second word is not base64');
  const key = parsePublicKey(blob);
  if (key.type !== match[1]) throw badSsh('SSH public key', `it says ${match[1]} and holds ${key.type}`);
  return { key, comment: match[3]?.trim() ?? '' };
}

/** Throws `bad-ssh` for a broken blob. */
export function parsePublicKey(blob: Uint8Array): SshPublicKey {
  const reader = new WireReader('SSH public key', blob);
  const type = reader.text();
  const key = fieldsOf(type, blob, reader);
  if (key.kind !== 'unsupported') reader.end();
  return key;
}

function fieldsOf(type: string, blob: Uint8Array, reader: WireReader): SshPublicKey {
  switch (type) {
    case 'ssh-ed25519':
      return { type, blob, kind: 'ed25519', key: ed25519(reader) };
    case 'sk-ssh-ed25519@openssh.com':
      return { type, blob, kind: 'sk-ed25519', key: ed25519(reader), application: reader.text() };
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521': {
      const curve = type.slice('ecdsa-sha2-'.length) as Curve;
      return { type, blob, kind: 'ecdsa', curve, point: point(reader, curve) };
    }
    case 'sk-ecdsa-sha2-nistp256@openssh.com': {
      const bytes = point(reader, 'nistp256');
      return { type, blob, kind: 'sk-ecdsa', curve: 'nistp256', point: bytes, application: reader.text() };
    }
    case 'ssh-rsa':
      return { type, blob, kind: 'rsa', exponent: reader.mpint(), modulus: reader.mpint() };
    default:
      return { type, blob, kind: 'unsupported' };
  }
}

function ed25519(reader: WireReader): Uint8Array {
  const key = reader.string();
  if (key.length !== 32) throw badSsh('SSH public key', `an Ed25519 key has 32 bytes, this has ${key.length}`);
  return key;
}

/** An uncompressed point: 4, then both coordinates. */
function point(reader: WireReader, curve: Curve): Uint8Array {
  const named = reader.text();
  if (named !== curve) throw badSsh('SSH public key', `its curve is "${named}", expected "${curve}"`);
  const bytes = reader.string();
  if (bytes[0] !== 4 || bytes.length !== 1 + 2 * coordinateSize[curve]) {
    throw badSsh('SSH public key', 'its point is not an uncompressed one');
  }
  return bytes;
}
