/**
 * An in-toto link (in-toto specification 1.0, 4.4) about one file that was reproduced: the form in which rebuilderd's
 * clients verify rebuilds. It cannot say no: whoever reads one counts it as a yes.
 */
import { sha256 } from '../kit/digest.ts';
import { order } from '../kit/order.ts';
import type { RebuildResult, RebuiltFile } from '../model/rebuild.ts';

export type LinkSigner = { readonly publicKey: string; readonly sign: (bytes: Uint8Array) => Uint8Array };

/** The signed document as JSON text; undefined for a file that was not reproduced. */
export function signLink(result: RebuildResult, file: RebuiltFile, signer: LinkSigner): string | undefined {
  if (file.verdict !== 'reproduced') return undefined;
  const { source, version, architecture, buildinfo } = result;
  const signed = {
    _type: 'link',
    name: `rebuild ${file.file}`,
    materials:
      buildinfo === undefined ? {} : { [`${source}_${version}_${architecture}.buildinfo`]: { sha256: buildinfo } },
    products: { [file.file]: { sha256: file.original.sha256 } },
    environment: null,
    byproducts: {},
    command: [],
  };
  const sig = Buffer.from(signer.sign(Buffer.from(canonicalJson(signed)))).toString('hex');
  return JSON.stringify({ signatures: [{ keyid: linkKeyId(signer.publicKey), sig }], signed });
}

/** in-toto specification 4.2.1: the SHA-256 of the key's canonical JSON, with the fields that securesystemslib has. */
export function linkKeyId(publicKey: string): string {
  return sha256(
    canonicalJson({
      keyid_hash_algorithms: ['sha256', 'sha512'],
      keytype: 'ed25519',
      keyval: { public: Buffer.from(publicKey, 'base64').toString('hex') },
      scheme: 'ed25519',
    }),
  );
}

/**
 * The key as those clients read it: a SubjectPublicKeyInfo whose algorithm has NULL as its parameters. RFC 8410 leaves
 * them out, and such a key they refuse.
 */
export function linkPublicKeyPem(publicKey: string): string {
  return toPem('302c300706032b65700500032100', publicKey);
}

/** The key as RFC 8410 has it and everybody else reads it. */
export function publicKeyPem(publicKey: string): string {
  return toPem('302a300506032b6570032100', publicKey);
}

function toPem(head: string, publicKey: string): string {
  const der = Buffer.concat([Buffer.from(head, 'hex'), Buffer.from(publicKey, 'base64')]);
  return `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;
}

/** Canonical JSON, as far as it is needed here: members in order of their names, no white space, no control characters. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => order(a, b));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}
