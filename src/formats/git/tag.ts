/**
 * Annotated tags. The signature is the last armored block of the message; what it signs is everything before that
 * block. A repository that keeps two hash algorithms carries the other one's signature in `gpgsig` or `gpgsig-sha256`
 * headers, which are not part of the signed bytes (hash-function-transition, "Signed Tags").
 */
import { concat } from '../../kit/concat.ts';
import { badObject } from './error.ts';
import { headerAt, idOf, parseHead, type Head } from './headers.ts';
import { parseIdentity, type Identity } from './identity.ts';
import { isObjectType, type ObjectType } from './object.ts';

export type TagSignatureBlock = {
  /** `x509` is recognised so that a refusal can name it. */
  readonly kind: 'openpgp' | 'ssh' | 'x509';
  /** From the BEGIN line to the end of the object. */
  readonly armor: string;
};

export type Tag = {
  readonly object: string;
  readonly type: ObjectType;
  /** The tag's name as the object says it. */
  readonly tag: string;
  /** Missing in tags from git's first years. */
  readonly tagger: Identity | undefined;
  readonly message: string;
  readonly signature: TagSignatureBlock | undefined;
  /** The bytes that the signature is over. */
  readonly signed: Uint8Array;
};

const signatureBegins: readonly (readonly [string, TagSignatureBlock['kind']])[] = [
  ['-----BEGIN PGP SIGNATURE-----', 'openpgp'],
  ['-----BEGIN PGP MESSAGE-----', 'openpgp'],
  ['-----BEGIN SSH SIGNATURE-----', 'ssh'],
  ['-----BEGIN SIGNED MESSAGE-----', 'x509'],
];

/** Headers that carry a signature for the other hash algorithm. */
const signatureHeaders = new Set(['gpgsig', 'gpgsig-sha256']);

/** Throws `bad-git-object` unless the bytes are one well-formed tag object. */
export function parseTag(bytes: Uint8Array): Tag {
  const head = parseHead('tag', bytes);
  const object = idOf('tag', headerAt('tag', head, 0, 'object'));
  const type = headerAt('tag', head, 1, 'type');
  if (!isObjectType(type.value)) throw badObject('tag', type.start, `"${type.value}" is not an object type`);
  const tag = headerAt('tag', head, 2, 'tag');
  const tagger = head.headers[3]?.name === 'tagger' ? parseIdentity('tag', head.headers[3]) : undefined;
  checkRest(head, tagger === undefined ? 3 : 4);

  const zero = bytes.indexOf(0, head.body);
  if (zero !== -1) throw badObject('tag', zero, 'the message holds a NUL byte');
  const found = findSignature(bytes, head.body);
  return {
    object,
    type: type.value,
    tag: tag.value,
    tagger,
    message: new TextDecoder().decode(bytes.subarray(head.body, found?.start ?? bytes.length)),
    signature: found && { kind: found.kind, armor: new TextDecoder().decode(bytes.subarray(found.start)) },
    signed: withoutSignatureHeaders(bytes.subarray(0, found?.start ?? bytes.length), head),
  };
}

/** After the known headers only signature headers may come, each once. */
function checkRest(head: Head, from: number): void {
  const seen = new Set<string>();
  for (const header of head.headers.slice(from)) {
    if (!signatureHeaders.has(header.name) || seen.has(header.name)) {
      throw badObject('tag', header.start, `header "${header.name}" is unknown or comes twice`);
    }
    seen.add(header.name);
  }
}

/** Like git's parse_signed_buffer: the last line that begins a signature wins. */
function findSignature(bytes: Uint8Array, from: number) {
  const text = new TextDecoder('latin1').decode(bytes.subarray(from));
  let best: { readonly start: number; readonly kind: TagSignatureBlock['kind'] } | undefined;
  for (const [begin, kind] of signatureBegins) {
    let at = text.lastIndexOf(begin);
    while (at > 0 && text[at - 1] !== '\n') at = text.lastIndexOf(begin, at - 1);
    if (at !== -1 && (best === undefined || from + at > best.start)) best = { start: from + at, kind };
  }
  return best;
}

function withoutSignatureHeaders(bytes: Uint8Array, head: Head): Uint8Array {
  const cut = head.headers.filter((header) => signatureHeaders.has(header.name));
  if (cut.length === 0) return bytes;
  const kept: Uint8Array[] = [];
  let position = 0;
  for (const header of cut) {
    kept.push(bytes.subarray(position, header.start));
    position = header.end;
  }
  kept.push(bytes.subarray(position));
  return concat(kept);
}
