export { parseGitAddress, withoutPassword, type GitAddress } from './address.ts';
export { parseCommit, type Commit } from './commit.ts';
export type { Identity } from './identity.ts';
export { hashOfId, isObjectType, objectHeader, type ObjectType } from './object.ts';
export { parseTag, type Tag, type TagSignatureBlock } from './tag.ts';
export { formatTagName, tagNameProblem, versionOfTagName } from './tag-name.ts';
export { parseTree, type EntryKind, type TreeEntry } from './tree.ts';
