/** Points 3 to 7 of the policy in openpgp.ts: whether a key may have made a signature at a date. */
import { enums, type AnyKeyPacket, type Key, type SignaturePacket } from 'openpgp';

import { isStrongHash, verifyPacket, type Candidate } from './openpgp-packet.ts';
import type { SignatureProblem } from './port.ts';
import { formatDate, problem } from './problem.ts';

export type KeyFacts = {
  readonly candidate: Candidate;
  /** When the signature says it was made. */
  readonly date: Date;
  readonly now: Date;
  /** What is signed, for a sentence: `the tag`. */
  readonly signed: string;
};

const leastRsaBits = 2048;

/** Every problem of the key that made the signature, and of its primary key. */
export async function checkKey(facts: KeyFacts): Promise<SignatureProblem[]> {
  const { candidate } = facts;
  const primary = candidate.key.keyPacket;
  const packets = candidate.subkey === undefined ? [primary] : [primary, candidate.packet];
  const self = await primarySelfSignatures(candidate);
  const binding = candidate.subkey === undefined ? [] : await bindings(candidate);
  return [
    ...packets.flatMap((packet) => weakness(packet)),
    ...packets.flatMap((packet) => tooEarly(packet, facts.date)),
    ...lifetimeProblems(primary, self, facts),
    ...(candidate.subkey === undefined ? [] : lifetimeProblems(candidate.packet, binding, facts)),
    ...(await signingProblems(facts, candidate.subkey === undefined ? self : binding)),
    ...(await revocationProblems(facts)),
  ];
}

export const nameOf = (packet: AnyKeyPacket) => `The OpenPGP key ${packet.getFingerprint().toUpperCase()}`;

/** Point 4. */
export function weakness(packet: AnyKeyPacket): SignatureProblem[] {
  const { bits, curve } = packet.getAlgorithmInfo();
  const id = packet.algorithm;
  if (id === enums.publicKey.rsaEncryptSign || id === enums.publicKey.rsaSign) {
    if ((bits ?? 0) >= leastRsaBits) return [];
    return [problem('weak-key', `${nameOf(packet)} has ${bits} bits of RSA; ${leastRsaBits} are needed.`)];
  }
  if (id === enums.publicKey.ecdsa ? nistCurves.has(String(curve)) : edwards.has(id)) return [];
  const what = Object.entries(enums.publicKey).find(([, value]) => value === id)?.[0] ?? `algorithm ${id}`;
  return [problem('weak-key', `${nameOf(packet)} uses ${curve ?? what}, which is not taken.`)];
}

/** Of several that may be meant, each once: a key may stand under two people. */
export function weaknesses(packets: readonly AnyKeyPacket[]): SignatureProblem[] {
  return [...new Map(packets.map((packet) => [packet.getFingerprint(), packet])).values()].flatMap(weakness);
}

/** Why a key is not taken, whatever the date, as sentences; `subkeys`: also those of its subkeys that are meant for signing. */
export function weakSigningKeys(key: Key, { subkeys }: { readonly subkeys: boolean }): string[] {
  const signs = ({ keyFlags }: SignaturePacket) => ((keyFlags?.[0] ?? 0) & enums.keyFlags.signData) !== 0;
  const others = subkeys ? key.getSubkeys().filter((each) => each.bindingSignatures.some(signs)) : [];
  return weaknesses([key.keyPacket, ...others.map(({ keyPacket }) => keyPacket)]).map(({ message }) => message);
}

const nistCurves = new Set<string>([enums.curve.nistP256, enums.curve.nistP384, enums.curve.nistP521]);
const edwards = new Set<enums.publicKey>([enums.publicKey.eddsaLegacy, enums.publicKey.ed25519, enums.publicKey.ed448]);

/** Point 3: a signature older than its key. */
function tooEarly(packet: AnyKeyPacket, date: Date): SignatureProblem[] {
  if (packet.created <= date) return [];
  const made = formatDate(packet.created);
  return [
    problem('not-yet-valid-key', `${nameOf(packet)} was made on ${made}, after the signature of ${formatDate(date)}.`),
  ];
}

/** The library keeps signatures directly on the key (type 0x1F), but its types do not say so. */
function directSignatures(key: Key): SignaturePacket[] {
  return (key as Key & { readonly directSignatures: SignaturePacket[] }).directSignatures;
}

/**
 * Self-signatures that speak for the primary key, whichever hash they use: direct ones and those on user IDs. Those
 * without key flags (a direct one that only names a revoker) do not, when others have flags.
 */
async function primarySelfSignatures({ key }: Candidate): Promise<SignaturePacket[]> {
  const primary = key.keyPacket;
  const found: SignaturePacket[] = [];
  for (const signature of directSignatures(key)) {
    if (await verifySelf(signature, primary, enums.signature.key, { key: primary })) found.push(signature);
  }
  for (const user of key.users) {
    const data = { userID: user.userID, userAttribute: user.userAttribute, key: primary };
    const revocations = await keep(user.revocationSignatures, (signature) =>
      verifySelf(signature, primary, enums.signature.certRevocation, data),
    );
    for (const signature of user.selfCertifications) {
      // A user ID that was taken back says nothing any more, unless it was certified again later.
      if (revocations.some((revocation) => revocation.created! >= signature.created!)) continue;
      if (await verifySelf(signature, primary, signature.signatureType!, data)) found.push(signature);
    }
  }
  const withFlags = found.filter((signature) => signature.keyFlags !== null);
  return withFlags.length > 0 ? withFlags : found;
}

async function bindings(candidate: Candidate): Promise<SignaturePacket[]> {
  const primary = candidate.key.keyPacket;
  const data = { key: primary, bind: candidate.packet };
  return keep(candidate.subkey!.bindingSignatures, (signature) =>
    verifySelf(signature, primary, enums.signature.subkeyBinding, data),
  );
}

/** The library refuses signatures that name a designated revoker; that is a statement, not a fault of theirs. */
async function verifySelf(signature: SignaturePacket, key: AnyKeyPacket, type: enums.signature, data: object) {
  if (signature.created === null || signature.signatureType !== type) return false;
  const revoker = signature.revocationKeyClass;
  signature.revocationKeyClass = null;
  try {
    return await verifyPacket(signature, key, type, data);
  } finally {
    signature.revocationKeyClass = revoker;
  }
}

/** Point 6, "in force at a date". */
function inForce(signatures: readonly SignaturePacket[], date: Date): SignaturePacket | undefined {
  const sorted = signatures.toSorted((a, b) => a.created!.getTime() - b.created!.getTime());
  return sorted.findLast((signature) => signature.created! <= date) ?? sorted[0];
}

function lifetimeProblems(packet: AnyKeyPacket, self: readonly SignaturePacket[], facts: KeyFacts): SignatureProblem[] {
  for (const [date, when] of [
    [facts.date, `when ${facts.signed} was signed`],
    [facts.now, 'today'],
  ] as const) {
    const end = endOf(packet, inForce(self, date));
    if (end !== undefined && end <= date) {
      return [problem('expired-key', `${nameOf(packet)} expired on ${formatDate(end)}: it is not valid ${when}.`)];
    }
  }
  return [];
}

function endOf(packet: AnyKeyPacket, self: SignaturePacket | undefined): Date | undefined {
  const ends: Date[] = [];
  if (self?.keyExpirationTime) ends.push(new Date(packet.created.getTime() + self.keyExpirationTime * 1000));
  // A self-signature may itself run out.
  const own = self?.getExpirationTime();
  if (own instanceof Date) ends.push(own);
  return ends.toSorted((a, b) => a.getTime() - b.getTime())[0];
}

/** Point 5, at the signature's date and today. */
async function signingProblems(facts: KeyFacts, self: readonly SignaturePacket[]): Promise<SignatureProblem[]> {
  const { candidate } = facts;
  const name = nameOf(candidate.packet);
  for (const date of [facts.date, facts.now]) {
    const signature = inForce(self, date);
    if (signature === undefined) {
      return [problem('weak-key', `${name} has no valid self-signature, so nothing says that it may sign.`)];
    }
    if (!isStrongHash(signature.hashAlgorithm)) {
      return [problem('weak-key', `${name} is held together by a self-signature with a hash weaker than SHA-256.`)];
    }
    if (((signature.keyFlags?.[0] ?? 0) & enums.keyFlags.signData) === 0) {
      return [
        problem('weak-key', `${name} is not one for signing data.`, 'Sign with a key that has the "sign" usage.'),
      ];
    }
    if (candidate.subkey !== undefined && !(await isBackSigned(candidate, signature))) {
      return [problem('weak-key', `${name} does not carry the back-signature that a signing subkey needs.`)];
    }
  }
  return [];
}

async function isBackSigned(candidate: Candidate, binding: SignaturePacket): Promise<boolean> {
  const back = binding.embeddedSignature;
  if (back === null || back.signatureType !== enums.signature.keyBinding || !isStrongHash(back.hashAlgorithm))
    return false;
  const data = { key: candidate.key.keyPacket, bind: candidate.packet };
  return verifyPacket(back, candidate.packet, enums.signature.keyBinding, data);
}

/** Point 7. */
async function revocationProblems(facts: KeyFacts): Promise<SignatureProblem[]> {
  const { candidate, now } = facts;
  const { key } = candidate;
  const primary = key.keyPacket;
  const problems: SignatureProblem[] = [];
  const sets = [
    {
      packet: primary as AnyKeyPacket,
      type: enums.signature.keyRevocation,
      list: key.revocationSignatures,
      data: { key: primary },
    },
    ...(candidate.subkey === undefined
      ? []
      : [
          {
            packet: candidate.packet,
            type: enums.signature.subkeyRevocation,
            list: candidate.subkey.revocationSignatures,
            data: { key: primary, bind: candidate.packet },
          },
        ]),
  ];
  for (const { packet, type, list, data } of sets) {
    for (const revocation of list) {
      const counts = (await verifySelf(revocation, primary, type, data)) || isByRevoker(candidate, revocation);
      if (!counts || (!isHard(revocation) && revocation.created! > now)) continue;
      const why = revocation.reasonForRevocationString ? ` ("${printable(revocation.reasonForRevocationString)}")` : '';
      problems.push(
        problem('revoked-key', `${nameOf(packet)} was revoked on ${formatDate(revocation.created!)}${why}.`),
      );
      break;
    }
  }
  return problems;
}

/** RFC 9580 section 5.2.3.31: without a reason, or compromised: every signature of the key is in doubt. */
function isHard(revocation: SignaturePacket): boolean {
  const reason = revocation.reasonForRevocationFlag;
  return reason !== enums.reasonForRevocation.keySuperseded && reason !== enums.reasonForRevocation.keyRetired;
}

/** A revocation by a key that one of the certificate's self-signatures names for that. */
function isByRevoker({ key }: Candidate, revocation: SignaturePacket): boolean {
  const own = directSignatures(key).concat(key.users.flatMap((user) => user.selfCertifications));
  return own.some(({ revocationKeyFingerprint: named }) => {
    if (named === null || revocation.created === null) return false;
    const fingerprint = Buffer.from(named).toString('hex');
    return fingerprint.endsWith(revocation.issuerKeyID.toHex());
  });
}

async function keep<T>(items: readonly T[], test: (item: T) => Promise<boolean>): Promise<T[]> {
  const kept: T[] = [];
  for (const item of items) if (await test(item)) kept.push(item);
  return kept;
}

function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- a key's owner may write anything here
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ').slice(0, 200);
}
