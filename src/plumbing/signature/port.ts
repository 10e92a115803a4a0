/** What intake asks of whoever checks signatures. */
import type { Label } from '../../model/names.ts';
import type { Person } from '../../model/distribution.ts';
import type { RefusalCode, TagSignature } from '../../model/tag-build.ts';

export type SignatureRequest = {
  readonly kind: 'openpgp' | 'ssh';
  /** The armored signature. */
  readonly armor: string;
  /** The bytes that it must be over. */
  readonly signed: Uint8Array;
  /** The tagger's date: what an SSH signature, which carries no date, is judged by. */
  readonly taggerDate: Date | undefined;
  readonly people: readonly Person[];
  readonly now: Date;
};

export type SignatureProblemCode = Extract<
  RefusalCode,
  'bad-signature' | 'unknown-key' | 'weak-key' | 'expired-key' | 'revoked-key' | 'not-yet-valid-key'
>;

export type SignatureProblem = {
  readonly code: SignatureProblemCode;
  readonly message: string;
  readonly hint: string;
};

export type SignatureReport = {
  /** Whose key made the signature; only when the signature fits the bytes, whatever else is wrong with the key. */
  readonly signer: Label | undefined;
  readonly signature: TagSignature | undefined;
  /** Empty: a good signature of a valid key. */
  readonly problems: readonly SignatureProblem[];
};

export interface SignatureVerifier {
  /** Every problem at once. Throws only when something is wrong with the machine. */
  verify(request: SignatureRequest): Promise<SignatureReport>;
}
