/**
 * Checks the signatures of tags against the keys of people. The policies are written in signature/openpgp.ts and
 * signature/ssh.ts.
 */
import type { SignatureReport, SignatureRequest, SignatureVerifier } from './signature/port.ts';
import { readCertificates } from './signature/openpgp-certificates.ts';
import { verifyOpenpgp } from './signature/openpgp.ts';
import { verifySsh } from './signature/ssh.ts';

export { parseCertificates } from './signature/openpgp-certificates.ts';
export { weakSigningKeys } from './signature/openpgp-key.ts';
export { sshFingerprint, sshKeyWeakness } from './signature/ssh.ts';
export type { SignatureProblem, SignatureReport, SignatureRequest, SignatureVerifier } from './signature/port.ts';

export const signatureVerifier: SignatureVerifier = {
  verify: async (request: SignatureRequest): Promise<SignatureReport> => {
    if (request.kind === 'ssh') return verifySsh(request);
    const { certificates, unreadable } = await readCertificates(request.people);
    const report = await verifyOpenpgp(request, certificates);
    return unreadable.length === 0 ? report : withUnreadable(report, unreadable);
  },
};

/** An unknown key may be one of a file that could not be read: say so. */
function withUnreadable(report: SignatureReport, files: readonly string[]): SignatureReport {
  const problems = report.problems.map((problem) =>
    problem.code === 'unknown-key'
      ? { ...problem, hint: `${problem.hint} These key files cannot be read: ${files.join(', ')}.` }
      : problem,
  );
  return { ...report, problems };
}
