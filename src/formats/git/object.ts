/**
 * Git objects (gitformat-loose, "object id"): the id is the hash of `type SP length NUL content`, with the length in
 * decimal. Hashing itself is the caller's: this folder has no cryptography.
 */
const objectTypes = ['commit', 'tree', 'blob', 'tag'] as const;
export type ObjectType = (typeof objectTypes)[number];

export function isObjectType(text: string): text is ObjectType {
  return (objectTypes as readonly string[]).includes(text);
}

/** The bytes that go before the content when an object is hashed. `size` is the content's length in bytes. */
export function objectHeader(type: ObjectType, size: number): Uint8Array {
  return new TextEncoder().encode(`${type} ${size}\0`);
}

/** Which hash a repository's ids are made with, told by the id's length. */
export function hashOfId(id: string): 'sha1' | 'sha256' {
  return id.length === 64 ? 'sha256' : 'sha1';
}
