/**
 * SSH signatures on tags: a signature is good when
 *
 * 1. it is an SSHSIG of namespace `git` over the tag's bytes (PROTOCOL.sshsig), by an Ed25519 key, an ECDSA key on a
 *    NIST curve, an RSA key of 2048 bits or more with rsa-sha2-256 or rsa-sha2-512, or a security key that was touched;
 * 2. exactly this key stands in sheaf.toml under a person, and not among that person's revoked ones;
 * 3. the tagger's date and today both lie between the key's valid-after and valid-before, if it has them, and the
 *    tagger's date is not in the future (five minutes are allowed for clocks that differ).
 */
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';

import { describeError } from '../../kit/error.ts';
import {
  parsePublicKeyLine,
  parseSshSignature,
  sshSignedData,
  WireReader,
  type Curve,
  type SshPublicKey,
  type SshSignature,
} from '../../formats/ssh/mod.ts';
import type { Person, SshKey } from '../../model/distribution.ts';
import type { SignatureProblem, SignatureReport, SignatureRequest } from './port.ts';
import { clockSkew, formatDate, nobody, normaliseFingerprint, problem } from './problem.ts';

const leastRsaBits = 2048;
/** PROTOCOL.u2f: the person touched the key. */
const userPresent = 0x01;

export function verifySsh(request: SignatureRequest): SignatureReport {
  let signature: SshSignature;
  try {
    signature = parseSshSignature(request.armor);
  } catch (error) {
    return nobody(problem('bad-signature', `The SSH signature cannot be read. ${describeError(error)}.`));
  }
  if (signature.namespace !== 'git') {
    return nobody(
      problem('bad-signature', `The SSH signature was made for "${signature.namespace}", not for git tags ("git").`),
    );
  }
  const fingerprint = sshFingerprint(signature.publicKey.blob);
  const owner = findOwner(request.people, signature.publicKey.blob);
  if (owner === undefined) {
    return nobody(
      problem('unknown-key', `The tag is signed by the SSH key ${fingerprint}, which no person in sheaf.toml has.`),
    );
  }
  const weak = weakness(signature);
  if (weak !== undefined) return nobody(problem('weak-key', `The SSH key ${fingerprint} is refused: ${weak}.`));
  if (!fits(signature, request.signed)) {
    return nobody(
      problem(
        'bad-signature',
        `The signature of the SSH key ${fingerprint} does not fit the tag: it is over other bytes.`,
      ),
    );
  }
  if (request.taggerDate === undefined) {
    return nobody(problem('bad-signature', 'The tag carries no tagger date, which an SSH signature is judged by.'));
  }
  return {
    signer: owner.person.name,
    signature: { kind: 'ssh', fingerprint, created: request.taggerDate },
    problems: validity(owner, fingerprint, request.taggerDate, request.now),
  };
}

/** As ssh-keygen -l prints it. */
export function sshFingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

type Owner = { readonly person: Person; readonly key: SshKey };

function findOwner(people: readonly Person[], blob: Uint8Array): Owner | undefined {
  for (const person of people) {
    for (const key of person.ssh) {
      try {
        if (Buffer.compare(parsePublicKeyLine(key.line).key.blob, blob) === 0) return { person, key };
      } catch {
        // A line that is no key belongs to nobody; reading sheaf.toml complains about it.
      }
    }
  }
  return undefined;
}

function validity(owner: Owner, fingerprint: string, date: Date, now: Date): SignatureProblem[] {
  const { person, key } = owner;
  const name = `The SSH key ${fingerprint} of ${person.name}`;
  const problems: SignatureProblem[] = [];
  const revoked = person.revoked.some(
    (entry) => normaliseFingerprint(entry) === fingerprint || entry.trim() === key.line.trim(),
  );
  if (revoked) problems.push(problem('revoked-key', `${name} was taken back in sheaf.toml.`));
  if (date.getTime() > now.getTime() + clockSkew) {
    problems.push(problem('bad-signature', `The tag is dated ${formatDate(date)}, which is in the future.`));
  }
  if (key.validAfter !== undefined && (date < key.validAfter || now < key.validAfter)) {
    problems.push(
      problem(
        'not-yet-valid-key',
        `${name} is valid from ${formatDate(key.validAfter)}; the tag is dated ${formatDate(date)}.`,
      ),
    );
  }
  if (key.validBefore !== undefined && (date >= key.validBefore || now >= key.validBefore)) {
    problems.push(
      problem(
        'expired-key',
        `${name} was valid until ${formatDate(key.validBefore)}; the tag is dated ${formatDate(date)}.`,
        'Have the key’s valid-before extended in sheaf.toml, or sign with another key.',
      ),
    );
  }
  return problems;
}

/** Why nothing that a key signs is taken. */
export function sshKeyWeakness(key: SshPublicKey): string | undefined {
  if (key.kind === 'unsupported') return `keys of type ${key.type} are not taken`;
  if (key.kind !== 'rsa') return undefined;
  const bits = bitLength(key.modulus);
  return bits < leastRsaBits ? `RSA keys need ${leastRsaBits} bits, it has ${bits}` : undefined;
}

function weakness(signature: SshSignature): string | undefined {
  const { publicKey } = signature;
  const weak = sshKeyWeakness(publicKey);
  if (weak !== undefined || publicKey.kind !== 'rsa') return weak;
  if (signature.algorithm !== 'rsa-sha2-256' && signature.algorithm !== 'rsa-sha2-512') {
    return `it signed with ${signature.algorithm}; rsa-sha2-256 or rsa-sha2-512 is needed`;
  }
  return undefined;
}

function bitLength(magnitude: Uint8Array): number {
  return magnitude.length * 8 - Math.clz32(magnitude[0] ?? 0) + 24;
}

/** Whether the signature is over these bytes. Broken numbers in it count as no. */
function fits(signature: SshSignature, signed: Uint8Array): boolean {
  const { publicKey, algorithm } = signature;
  if (publicKey.kind !== 'rsa' && algorithm !== publicKey.type) return false;
  const data = sshSignedData(signature, createHash(signature.hashAlgorithm).update(signed).digest());
  try {
    switch (publicKey.kind) {
      case 'ed25519':
        return verify(null, data, toKey(publicKey), signature.signature);
      case 'rsa':
        return verify(algorithm === 'rsa-sha2-512' ? 'sha512' : 'sha256', data, toKey(publicKey), signature.signature);
      case 'ecdsa':
        return verifyEcdsa(publicKey, publicKey.curve, data, signature.signature);
      case 'sk-ed25519': {
        const touched = securityData(signature, publicKey.application, data);
        return touched !== undefined && verify(null, touched, toKey(publicKey), signature.signature);
      }
      case 'sk-ecdsa': {
        const touched = securityData(signature, publicKey.application, data);
        return touched !== undefined && verifyEcdsa(publicKey, 'nistp256', touched, signature.signature);
      }
      case 'unsupported':
        return false;
    }
  } catch {
    return false;
  }
}

/** PROTOCOL.u2f, "SSH U2F Signatures": what a security key signs; undefined when nobody touched it. */
function securityData(signature: SshSignature, application: string, data: Uint8Array): Uint8Array | undefined {
  const { security } = signature;
  if (security === undefined || (security.flags & userPresent) === 0) return undefined;
  const middle = Buffer.alloc(5);
  middle.writeUInt8(security.flags, 0);
  middle.writeUInt32BE(security.counter, 1);
  return Buffer.concat([sha256(application), middle, sha256(data)]);
}

const curves: Readonly<Record<Curve, { readonly hash: string; readonly name: string; readonly size: number }>> = {
  nistp256: { hash: 'sha256', name: 'P-256', size: 32 },
  nistp384: { hash: 'sha384', name: 'P-384', size: 48 },
  nistp521: { hash: 'sha512', name: 'P-521', size: 66 },
};

/** RFC 5656 section 3.1.2: the signature is the mpints r and s; node:crypto takes them side by side. */
function verifyEcdsa(key: SshPublicKey, curve: Curve, data: Uint8Array, signature: Uint8Array): boolean {
  const { hash, size } = curves[curve];
  const reader = new WireReader('ECDSA signature', signature);
  const numbers = [reader.mpint(), reader.mpint()];
  reader.end();
  const flat = Buffer.alloc(2 * size);
  for (const [index, number] of numbers.entries()) {
    if (number.length > size) return false;
    flat.set(number, (index + 1) * size - number.length);
  }
  return verify(hash, data, { key: toKey(key), dsaEncoding: 'ieee-p1363' }, flat);
}

function toKey(key: SshPublicKey): KeyObject {
  switch (key.kind) {
    case 'ed25519':
    case 'sk-ed25519':
      return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text(key.key) }, format: 'jwk' });
    case 'ecdsa':
    case 'sk-ecdsa': {
      const { name, size } = curves[key.curve];
      const x = text(key.point.subarray(1, 1 + size));
      const y = text(key.point.subarray(1 + size));
      return createPublicKey({ key: { kty: 'EC', crv: name, x, y }, format: 'jwk' });
    }
    case 'rsa':
      return createPublicKey({ key: { kty: 'RSA', n: text(key.modulus), e: text(key.exponent) }, format: 'jwk' });
    case 'unsupported':
      throw new Error(`no key of type ${key.type}`);
  }
}

function sha256(bytes: Uint8Array | string): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
