/** Whether Contents is read line for line as a dozen lines of Python read it, and its searches find what is there. */
import { createHash } from 'node:crypto';

import { findPath, pathsOfPackage, readContents } from '../../src/formats/deb/contents.ts';
import { describeError } from '../../src/kit/error.ts';
import type { CorpusIndex } from './archive.ts';
import type { Findings } from './findings.ts';
import { askOracle } from './oracle.ts';

/** Lines are compared by the hash of so many of them, as oracle.py does it. */
const linesOfBlock = 1000;
/** The package of every so many lines is asked for all its paths. */
const packageEvery = 1_000_000;

export async function checkContents(index: CorpusIndex, findings: Findings): Promise<void> {
  const place = `${index.suite} ${index.path}`;
  const lines = 'lines of Contents';
  const answer = askOracle(['contents', index.file]);
  const blocks: string[] = [];
  const some: { readonly path: string; readonly packages: readonly string[] }[] = [];
  let hash = createHash('sha1');
  let count = 0;
  try {
    for (const { path, packages } of readContents(index.bytes, place)) {
      hash.update(`${path}\x1f${packages.join(',')}\n`);
      count++;
      if (count % linesOfBlock === 0) {
        blocks.push(hash.digest('hex'));
        hash = createHash('sha1');
        some.push({ path, packages });
      }
    }
  } catch (error) {
    findings.disagree(lines, place, describeError(error));
  }
  blocks.push(hash.digest('hex'));
  findings.count(lines, count);
  const expected = (await answer).toString().trimEnd().split('\n');
  for (let i = 0; i < Math.max(blocks.length, expected.length); i++) {
    if (blocks[i] === expected[i]) continue;
    findings.disagree(lines, `${place}:${i * linesOfBlock + 1}`, `these ${linesOfBlock} lines differ from Python's`);
  }
  for (const [i, { path, packages }] of some.entries()) {
    findings.count('paths found in Contents', 1);
    if (findPath(index.bytes, path)?.packages.join() !== packages.join()) {
      findings.disagree('paths found in Contents', place, `${JSON.stringify(path)} is not found`);
    }
    if (i % (packageEvery / linesOfBlock) === 0 && ![...pathsOfPackage(index.bytes, packages[0]!)].includes(path)) {
      findings.disagree(
        'paths found in Contents',
        place,
        `${JSON.stringify(path)} is not among those of ${packages[0]}`,
      );
    }
  }
}
