const block = /-----BEGIN PGP PUBLIC KEY BLOCK-----[\s\S]*?-----END PGP PUBLIC KEY BLOCK-----/g;

/** The armored certificates in a keyring file, each with its first and last line; undefined for one in binary. */
export function armoredBlocks(keyring: Buffer): readonly string[] | undefined {
  return keyring.toString('latin1').match(block) ?? undefined;
}
