/**
 * Who signed a Release file: InRelease, or Release with Release.gpg, against a keyring file.
 *
 * The policy is that of openpgp.ts, with these differences: the keys are those of the keyring, each as good as the
 * next; a file may carry several signatures (RFC 9580, section 5.2: one after the other), and is good when one of them
 * is. Signatures of unknown keys are then of no account: archives sign with old and new keys side by side.
 */
import { enums, readSignature, SignaturePacket, unarmor, type Key } from 'openpgp';

import { isCleartext, splitCleartext } from './cleartext.ts';
import { readKeyring } from './keyring.ts';
import { checkKey, weakness } from './openpgp-key.ts';
import { candidatesOf, formProblem, issuerOf, verifyPacket, type Candidate } from './openpgp-packet.ts';
import type { SignatureProblemCode } from './port.ts';
import { clockSkew, formatDate } from './problem.ts';

export type ReleaseFiles =
  | { readonly inRelease: Uint8Array }
  | { readonly release: Uint8Array; /** Release.gpg: binary or armored. */ readonly signature: Uint8Array };

export type ReleaseProblem = {
  readonly code: SignatureProblemCode | 'unsigned';
  readonly message: string;
  readonly hint: string;
};

export type ReleaseVerdict = {
  /** The text that is signed, without armor and escapes, ending in exactly one LF; of an unsigned file, the file. */
  readonly text: string;
  /** Fingerprints of the primary keys behind all good signatures, 40 upper-case hexadecimal digits each. */
  readonly signedBy: readonly string[];
  /** Empty when at least one signature is good. */
  readonly problems: readonly ReleaseProblem[];
};

/** Hundreds of keys never sign one file: more signatures are there to keep us busy. */
const mostSignatures = 64;

const hints: Readonly<Record<ReleaseProblem['code'], string>> = {
  unsigned: 'Ask another mirror of the archive, over https, and tell the owner of this one.',
  'bad-signature': 'Something on the way may have changed the file: try again later or ask another mirror.',
  'unknown-key':
    'If the archive has a new key, install its newest keyring package (debian-archive-keyring for Debian) and check "keyring" of the upstream in sheaf.toml.',
  'weak-key': 'The archive must sign with a stronger key; nothing on this side can make it safe.',
  'expired-key': 'Install the newest keyring package: archives extend their keys or replace them.',
  'revoked-key': 'The archive took this key back: install the newest keyring package, or ask another mirror.',
  'not-yet-valid-key': 'Check the clock of this machine.',
};

/**
 * Checks the signatures as of `now`; pass the time of a Release to judge it as of then. Throws `keyring-unreadable`;
 * everything that is wrong with the files is a problem.
 */
export async function verifyRelease(files: ReleaseFiles, keyringFile: string, now: Date): Promise<ReleaseVerdict> {
  const keys = await readKeyring(keyringFile);
  if ('inRelease' in files) return verifyInRelease(files.inRelease, keys, now);
  const text = textOf(files.release);
  if (files.signature.length === 0) return unsigned(text, 'Release carries no signature: there is no Release.gpg');
  const packets = await readDetached(files.signature);
  if (typeof packets === 'string') return refused(text, `Release.gpg ${packets}`);
  const types = [enums.signature.binary, enums.signature.text];
  return judge(text, { packets, signed: files.release, types, keys, now });
}

async function verifyInRelease(bytes: Uint8Array, keys: readonly Key[], now: Date): Promise<ReleaseVerdict> {
  if (!isCleartext(bytes)) {
    return unsigned(textOf(bytes), 'InRelease carries no signature: it does not begin with a cleartext signature');
  }
  const parts = splitCleartext(bytes);
  if (typeof parts === 'string') return refused(textOf(bytes), `InRelease ${parts}`);
  const text = textOf(parts.signed);
  const packets = await readArmored(parts.armor);
  if (typeof packets === 'string') return refused(text, `the signature of InRelease ${packets}`);
  return judge(text, { packets, signed: parts.signed, types: [enums.signature.text], keys, now });
}

function textOf(bytes: Uint8Array): string {
  return `${Buffer.from(bytes).toString('utf8').replace(/\n+$/, '')}\n`;
}

function problem(code: ReleaseProblem['code'], message: string): ReleaseProblem {
  return { code, message, hint: hints[code] };
}

function unsigned(text: string, state: string): ReleaseVerdict {
  return { text, signedBy: [], problems: [problem('unsigned', `${state}.`)] };
}

function refused(text: string, state: string): ReleaseVerdict {
  const message = `${state[0]!.toUpperCase()}${state.slice(1)}.`;
  return { text, signedBy: [], problems: [problem('bad-signature', message)] };
}

/** The signature packets, or what is wrong. */
async function readDetached(bytes: Uint8Array): Promise<SignaturePacket[] | string> {
  const text = Buffer.from(bytes).toString('latin1');
  if (!text.includes('-----BEGIN PGP')) return readPackets(bytes);
  const blocks = text.match(/-----BEGIN PGP SIGNATURE-----[\s\S]*?-----END PGP SIGNATURE-----/g) ?? [];
  const around = text.replaceAll(/-----BEGIN PGP SIGNATURE-----[\s\S]*?-----END PGP SIGNATURE-----/g, '');
  if (blocks.length === 0 || around.trim() !== '') return 'has text beside its armor';
  if (blocks.length > mostSignatures) return `holds more than ${mostSignatures} signatures`;
  const packets: SignaturePacket[] = [];
  for (const armor of blocks) {
    const read = await readArmored(armor);
    if (typeof read === 'string') return read;
    packets.push(...read);
  }
  return packets;
}

async function readArmored(armor: string): Promise<SignaturePacket[] | string> {
  try {
    const { type, data } = await unarmor(armor);
    if (type !== enums.armor.signature) return 'is no detached signature';
    return await readPackets(data as Uint8Array);
  } catch (error) {
    return `cannot be read: ${(error as Error).message}`;
  }
}

/** Packets of versions that the library does not know are left out: others may do. */
async function readPackets(bytes: Uint8Array): Promise<SignaturePacket[] | string> {
  try {
    const { packets } = await readSignature({ binarySignature: new Uint8Array(bytes) });
    if (packets.length > mostSignatures) return `holds more than ${mostSignatures} signatures`;
    const known = [...packets].filter((packet) => packet instanceof SignaturePacket);
    return known.length === 0 ? 'holds no signature that can be read' : known;
  } catch (error) {
    return `cannot be read: ${(error as Error).message}`;
  }
}

type Signatures = {
  readonly packets: readonly SignaturePacket[];
  readonly signed: Uint8Array;
  readonly types: readonly enums.signature[];
  readonly keys: readonly Key[];
  readonly now: Date;
};

async function judge(text: string, signatures: Signatures): Promise<ReleaseVerdict> {
  const signedBy = new Set<string>();
  const problems: ReleaseProblem[] = [];
  for (const packet of signatures.packets) {
    const result = await judgeOne(packet, signatures);
    if (typeof result === 'string') signedBy.add(result);
    else problems.push(...result);
  }
  return { text, signedBy: [...signedBy], problems: signedBy.size > 0 ? [] : problems };
}

/** The fingerprint of the primary key, or every problem. */
async function judgeOne(signature: SignaturePacket, { signed, types, keys, now }: Signatures) {
  const form = formProblem(signature, types);
  if (form !== undefined) return [problem('bad-signature', `A signature of the Release file ${form}.`)];
  const issuer = issuerOf(signature);
  const candidates = keys.flatMap((key) => candidatesOf(key, signature));
  if (candidates.length === 0) {
    return [problem('unknown-key', `The Release file is signed by the key ${issuer}, which is not in the keyring.`)];
  }
  let problems: ReleaseProblem[] | undefined;
  for (const candidate of candidates) {
    const data = { text: null, getBytes: () => signed };
    if (!(await verifyPacket(signature, candidate.packet, signature.signatureType!, data, true))) continue;
    const found = await judgeKey(signature, candidate, now);
    if (found.length === 0) return candidate.key.keyPacket.getFingerprint().toUpperCase();
    problems ??= found;
  }
  if (problems !== undefined) return problems;
  // A key that is not taken anyway may be one that the library cannot compute with.
  const weak = candidates.flatMap(({ packet }) => weakness(packet));
  if (weak.length > 0) return weak.map(({ code, message }) => problem(code, message));
  return [
    problem(
      'bad-signature',
      `The signature of the key ${issuer} does not fit the Release file: it is over other text.`,
    ),
  ];
}

async function judgeKey(signature: SignaturePacket, candidate: Candidate, now: Date): Promise<ReleaseProblem[]> {
  const created = signature.created!;
  const found = await checkKey({ candidate, date: created, now, signed: 'the Release file' });
  const problems = found.map(({ code, message }) => problem(code, message));
  if (created.getTime() > now.getTime() + clockSkew) {
    const message = `The signature is dated ${formatDate(created)}, which is in the future.`;
    problems.push({ ...problem('bad-signature', message), hint: 'Check the clock of this machine.' });
  }
  const end = signature.getExpirationTime();
  if (end instanceof Date && end <= now) {
    problems.push(problem('bad-signature', `The signature itself expired on ${formatDate(end)}.`));
  }
  return problems;
}
