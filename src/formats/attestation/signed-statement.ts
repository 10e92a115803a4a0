/** An in-toto statement in its DSSE envelope: signed, and opened again by whom signed it. */
import { SheafError } from '../../kit/error.ts';
import { formatEnvelope, parseEnvelope, preAuthenticationEncoding } from './dsse.ts';
import { formatStatement, parseStatement, statementPayloadType, type Statement } from './statement.ts';

/** The signed envelope as JSON text. */
export function signStatement(statement: Statement, keyid: string, sign: (bytes: Uint8Array) => Uint8Array): string {
  const payload = formatStatement(statement);
  const sig = sign(preAuthenticationEncoding(statementPayloadType, payload));
  return formatEnvelope({ payloadType: statementPayloadType, payload, signatures: [{ keyid, sig }] });
}

/** Which of `signers` signed the envelope. */
export type OpenedStatement<Signer> = { readonly statement: Statement; readonly signer: Signer };

/**
 * protocol.md "Verification": the statement, once one of `signers` has signed it. Throws `bad-envelope`, `bad-statement`,
 * and `bad-signature` when none of them has.
 */
export function openStatement<Signer>(
  text: string,
  signers: readonly Signer[],
  verify: (signer: Signer, bytes: Uint8Array, signature: Uint8Array) => boolean,
  file?: string,
): OpenedStatement<Signer> {
  const place = file === undefined ? {} : { place: { file } };
  const envelope = parseEnvelope(text, file);
  if (envelope.payloadType !== statementPayloadType) {
    throw new SheafError(
      'bad-envelope',
      `Cannot read an in-toto statement: the payload's type is not ${statementPayloadType}`,
      place,
    );
  }
  const bytes = preAuthenticationEncoding(envelope.payloadType, envelope.payload);
  const signer = signers.find((each) => envelope.signatures.some(({ sig }) => verify(each, bytes, sig)));
  if (signer === undefined) {
    throw new SheafError('bad-signature', 'Cannot believe an in-toto statement: no known key signed it', {
      ...place,
      hint: 'Keys that are known are those of approved workers, and of [rebuilder.NAME] in sheaf.toml',
    });
  }
  return { statement: parseStatement(envelope.payload, file), signer };
}
