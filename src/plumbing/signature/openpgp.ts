/**
 * OpenPGP signatures on tags. The key-validity policy; a signature is good when all of these hold:
 *
 * 1. **Form.** One detached binary signature packet (type 0x00) with SHA-256 or stronger, without unknown critical
 *    subpackets.
 * 2. **Known.** A key or subkey of a certificate in sheaf.toml made it, and the mathematics agree with the tag's bytes.
 * 3. **Dates.** It is not dated in the future (five minutes are allowed for clocks that differ), not before the key was
 *    made, and has not expired itself.
 * 4. **Strong.** The key and its primary key are RSA of 2048 bits or more, ECDSA on a NIST curve, or EdDSA. DSA and
 *    other curves are refused.
 * 5. **Allowed to sign.** The self-signature in force says that the key signs; a subkey also carries its own
 *    back-signature. Both use SHA-256 or stronger.
 * 6. **In time.** At the signature's date and today, neither the primary key nor the subkey is expired. The
 *    self-signature in force at a date is the newest one made until then; exports often keep only newer ones, and then
 *    the oldest that is left speaks for the time before it.
 * 7. **Not revoked.** No revocation that says the key is compromised, or gives no reason, whatever its date; no other
 *    revocation (superseded, retired) in force today; and neither fingerprint is among the person's revoked ones. A
 *    revocation by a designated revoker counts, though its own signature cannot be checked here. Revocations count
 *    whichever hash they use.
 *
 * A key that was valid when the tag was made but is not today is refused: the tag is admitted today.
 */
import { enums, type AnyKeyPacket, type SignaturePacket } from 'openpgp';

import type { Label } from '../../model/names.ts';
import { checkKey, nameOf, weaknesses } from './openpgp-key.ts';
import type { Certificate } from './openpgp-certificates.ts';
import {
  candidatesOf,
  formProblem,
  issuerOf,
  readSignaturePacket,
  verifyPacket,
  type Candidate,
} from './openpgp-packet.ts';
import type { SignatureProblem, SignatureReport, SignatureRequest } from './port.ts';
import { clockSkew, formatDate, nobody, normaliseFingerprint, problem } from './problem.ts';

type OwnedCandidate = Candidate & { readonly owner: Certificate['owner'] };

export async function verifyOpenpgp(
  request: SignatureRequest,
  certificates: readonly Certificate[],
): Promise<SignatureReport> {
  const signature = await readAlone(request.armor);
  if (typeof signature === 'string') return nobody(problem('bad-signature', `The OpenPGP signature ${signature}.`));
  const form = formProblem(signature, [enums.signature.binary]);
  if (form !== undefined) return nobody(problem('bad-signature', `The OpenPGP signature ${form}.`));

  const issuer = issuerOf(signature);
  const candidates = certificates.flatMap(({ owner, key }) =>
    candidatesOf(key, signature).map((candidate): OwnedCandidate => ({ ...candidate, owner })),
  );
  if (candidates.length === 0) {
    return nobody(
      problem('unknown-key', `The tag is signed by the OpenPGP key ${issuer}, which no person in sheaf.toml has.`),
    );
  }
  for (const candidate of candidates) {
    if (await fits(signature, candidate.packet, request.signed)) {
      return report(signature, candidate, request.now);
    }
  }
  // A key that is not taken anyway may be one that the library cannot compute with.
  const weak = weaknesses(candidates.map(({ packet }) => packet));
  if (weak.length > 0) return nobody(...weak);
  return nobody(
    problem(
      'bad-signature',
      `The signature of the OpenPGP key ${issuer} does not fit the tag: it is over other bytes.`,
    ),
  );
}

/** git's block ends with the END line; more after it would be text that the signature does not cover. */
async function readAlone(armor: string): Promise<SignaturePacket | string> {
  if (!/\n-----END PGP SIGNATURE-----\s*$/.test(armor)) return 'has no END line, or text follows it';
  return readSignaturePacket(armor);
}

async function fits(signature: SignaturePacket, packet: AnyKeyPacket, signed: Uint8Array): Promise<boolean> {
  // What the library's literal data packet offers to a signature over binary data.
  const data = { text: null, getBytes: () => signed };
  return verifyPacket(signature, packet, enums.signature.binary, data, true);
}

async function report(signature: SignaturePacket, candidate: OwnedCandidate, now: Date): Promise<SignatureReport> {
  const created = signature.created!;
  const problems = [
    ...(await checkKey({ candidate, date: created, now, signed: 'the tag' })),
    ...listedAsRevoked(candidate),
  ];
  if (created.getTime() > now.getTime() + clockSkew) {
    problems.push(
      problem(
        'bad-signature',
        `The signature is dated ${formatDate(created)}, which is in the future.`,
        'Set the clock of the machine that signs, and sign again.',
      ),
    );
  }
  const end = signature.getExpirationTime();
  if (end instanceof Date && end <= now) {
    problems.push(problem('bad-signature', `The signature itself expired on ${formatDate(end)}.`));
  }
  const signer: Label = candidate.owner.name;
  const fingerprint = candidate.key.keyPacket.getFingerprint().toUpperCase();
  return { signer, signature: { kind: 'openpgp', fingerprint, created }, problems };
}

function listedAsRevoked({ owner, packet, key }: OwnedCandidate): SignatureProblem[] {
  const ours = [packet, key.keyPacket].map((each) => each.getFingerprint().toUpperCase());
  if (!owner.revoked.some((entry) => ours.includes(normaliseFingerprint(entry)))) return [];
  return [problem('revoked-key', `${nameOf(packet)} of ${owner.name} was taken back in sheaf.toml.`)];
}
