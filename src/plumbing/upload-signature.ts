/**
 * Who signed a `.changes`: a cleartext signature (RFC 9580, section 7) of a person's OpenPGP key. The policy for keys is
 * that of signature/openpgp.ts; a document may carry one signature only.
 */
import { enums, type SignaturePacket } from 'openpgp';

import type { Person } from '../model/distribution.ts';
import type { Label } from '../model/names.ts';
import { isCleartext, splitCleartext } from './signature/cleartext.ts';
import { readCertificates } from './signature/openpgp-certificates.ts';
import { checkKey, nameOf, weaknesses } from './signature/openpgp-key.ts';
import {
  candidatesOf,
  formProblem,
  issuerOf,
  readSignaturePacket,
  verifyPacket,
  type Candidate,
} from './signature/openpgp-packet.ts';
import { clockSkew, formatDate, normaliseFingerprint } from './signature/problem.ts';

export type DocumentSignature = {
  /** Whose key made the signature; only when it fits the text, whatever else is wrong with the key. */
  readonly signer: Label | undefined;
  /** Exactly what is signed; undefined when nothing is. */
  readonly text: string | undefined;
  /** Sentences; empty: a good signature of a valid key. */
  readonly problems: readonly string[];
  /** Of the key that made it; only together with a signer. */
  readonly signature?: { readonly kind: 'openpgp'; readonly fingerprint: string; readonly created: Date } | undefined;
};

export async function verifyDocument(
  bytes: Uint8Array,
  people: readonly Person[],
  now: Date,
): Promise<DocumentSignature> {
  if (!isCleartext(bytes)) return nobody('It is not signed: sign it with debsign, by a key of a person in sheaf.toml.');
  const parts = splitCleartext(bytes);
  if (typeof parts === 'string') return nobody(`It ${parts}.`);
  const packet = await readSignaturePacket(parts.armor);
  if (typeof packet === 'string') return nobody(`Its signature ${packet}.`);
  const form = formProblem(packet, [enums.signature.text, enums.signature.binary]);
  if (form !== undefined) return nobody(`Its signature ${form}.`);
  const { certificates, unreadable } = await readCertificates(people);
  const issuer = issuerOf(packet);
  const candidates = certificates.flatMap(({ owner, key }) =>
    candidatesOf(key, packet).map((candidate) => ({ ...candidate, owner })),
  );
  if (candidates.length === 0) {
    const also = unreadable.length === 0 ? '' : ` These key files cannot be read: ${unreadable.join(', ')}.`;
    return nobody(`It is signed by the OpenPGP key ${issuer}, which no person in sheaf.toml has.${also}`);
  }
  for (const candidate of candidates) {
    const data = { text: null, getBytes: () => parts.signed };
    if (!(await verifyPacket(packet, candidate.packet, packet.signatureType!, data, true))) continue;
    const problems = await judgeKey(packet, candidate, now);
    const fingerprint = candidate.packet.getFingerprint().toUpperCase();
    const signature = { kind: 'openpgp', fingerprint, created: packet.created! } as const;
    const text = `${Buffer.from(parts.signed).toString('utf8')}\n`;
    return { signer: candidate.owner.name, text, problems, signature };
  }
  const weak = weaknesses(candidates.map((candidate) => candidate.packet));
  if (weak.length > 0) return nobody(...weak.map(({ message }) => message));
  return nobody(`The signature of the OpenPGP key ${issuer} does not fit the text: it is over other text.`);
}

function nobody(...problems: readonly string[]): DocumentSignature {
  return { signer: undefined, text: undefined, problems };
}

async function judgeKey(
  signature: SignaturePacket,
  candidate: Candidate & { readonly owner: Person },
  now: Date,
): Promise<string[]> {
  const created = signature.created!;
  const found = await checkKey({ candidate, date: created, now, signed: 'the .changes' });
  const problems = found.map(({ message }) => message);
  const { owner, packet, key } = candidate;
  const ours = [packet, key.keyPacket].map((each) => each.getFingerprint().toUpperCase());
  if (owner.revoked.some((entry) => ours.includes(normaliseFingerprint(entry)))) {
    problems.push(`${nameOf(packet)} of ${owner.name} was taken back in sheaf.toml.`);
  }
  if (created.getTime() > now.getTime() + clockSkew) {
    problems.push(`The signature is dated ${formatDate(created)}, which is in the future.`);
  }
  const end = signature.getExpirationTime();
  if (end instanceof Date && end <= now) problems.push(`The signature itself expired on ${formatDate(end)}.`);
  return problems;
}
