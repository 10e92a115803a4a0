/** Reading a commit's whole tree, and stopping where a limit of the policy is reached. */
import { hashOfId, parseTree } from '../formats/git/mod.ts';
import { formatSize } from '../kit/bytes.ts';
import type { GitLimits } from '../model/distribution.ts';
import type { ObjectId } from '../model/names.ts';
import type { TreeFacts, TreeFile } from './facts.ts';
import type { GitObjects } from './ports.ts';
import { quote } from './refusal.ts';

/** A tree object of this size lists some hundred thousand names. */
const largestTree = 16 * 2 ** 20;
/** Longest target of a link that Linux takes. */
const longestTarget = 4095;
/** Deeper trees are not read further; the rule on paths refuses them. */
const mostDepth = 70;

/** Throws what `objects` throws: missing or corrupt objects, and `bad-git-object`. */
export async function walkTree(objects: GitObjects, tree: ObjectId, limits: GitLimits): Promise<TreeFacts> {
  const files: TreeFile[] = [];
  let bytes = 0;
  const hash = hashOfId(tree);

  async function walk(id: ObjectId, prefix: string, depth: number): Promise<string | undefined> {
    const { bytes: content } = await objects.read(id, largestTree);
    for (const entry of parseTree(content, hash)) {
      if (files.length >= limits.files) return `It has more than ${limits.files} files and directories.`;
      const path = prefix + entry.name;
      const entryId = entry.id as ObjectId;
      const isBlob = entry.kind !== 'directory' && entry.kind !== 'submodule';
      const size = isBlob ? await sizeOf(entryId) : 0;
      bytes += size;
      if (size > limits.file)
        return `The file ${quote(path)} has ${formatSize(size)}; ${formatSize(limits.file)} are allowed.`;
      if (bytes > limits.tree) return `Its files have more than ${formatSize(limits.tree)} together.`;
      const target = entry.kind === 'symlink' ? await targetOf(entryId, size) : undefined;
      files.push({ path, name: entry.name, exact: entry.exact, kind: entry.kind, id: entryId, size, target });
      if (entry.kind === 'directory' && depth < mostDepth) {
        const stopped = await walk(entryId, `${path}/`, depth + 1);
        if (stopped !== undefined) return stopped;
      }
    }
    return undefined;
  }

  async function sizeOf(id: ObjectId): Promise<number> {
    const info = await objects.info(id);
    // Reading it says which object is missing.
    if (info === undefined) return (await objects.read(id, 0)).size;
    return info.size;
  }

  async function targetOf(id: ObjectId, size: number): Promise<string | undefined> {
    if (size > longestTarget) return undefined;
    const { bytes: content } = await objects.read(id, longestTarget);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
    } catch {
      return undefined;
    }
  }

  return { overLimit: await walk(tree, '', 0), files };
}
