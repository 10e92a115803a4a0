/**
 * Holds the arrows of the house (ARCHITECTURE.md): reads every import below src/ and prints those that go the wrong
 * way, with the rule and its reason. Exit code 1 when there is one, or when nothing was read.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { findCycle, judgeImport, type Import } from './arrows.ts';

const root = join(import.meta.dirname, '..');
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => join('src', file));

const imports = files.flatMap((file) => readImports(file));
const findings = imports.flatMap((found) => {
  const reason = judgeImport(found);
  return reason === undefined ? [] : [`${found.from}:${found.line}: imports ${found.to}: ${reason}`];
});
const cycle = findCycle(imports.filter((found) => !found.typeOnly));
if (cycle !== undefined) findings.push(`import cycle: ${cycle.join(' → ')}`);
if (files.length < 20 || imports.length < 20)
  findings.push(`read only ${files.length} files and ${imports.length} imports`);

for (const finding of findings) console.error(finding);
console.error(`arrows: ${files.length} files, ${imports.length} imports, ${findings.length} findings`);
process.exitCode = findings.length === 0 ? 0 : 1;

function readImports(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8');
  const pattern = /^\s*(import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm;
  return [...text.matchAll(pattern)].map((match) => {
    const specifier = match[3] ?? match[4]!;
    const to = specifier.startsWith('.') ? relative(root, join(root, dirname(file), specifier)) : specifier;
    return { from: file, to, line: text.slice(0, match.index).split('\n').length, typeOnly: match[2] !== undefined };
  });
}
