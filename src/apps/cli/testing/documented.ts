/** What --json prints against docs/json.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const documented = readFileSync(join(import.meta.dirname, '../../../../docs/json.md'), 'utf8');

/** The row of a command names all members of its document, and those of the objects in its lists. */
export function assertDocumented(words: readonly string[], document: unknown): void {
  const row = rowOf(words);
  for (const name of namesOf(document, row.includes('attempts') || row.includes('steps') ? 1 : 2)) {
    assert.ok(
      row.includes(`\`${name}\``) || hasAsAbove(row, name),
      `docs/json.md does not name ${name} of ${words.join(' ')}`,
    );
  }
}

function rowOf(words: readonly string[]): string {
  const found = documented.split('\n').findLast((line) => {
    const command = /^\| `sheaf ([^`]*)`/.exec(line)?.[1];
    return command !== undefined && `${words.join(' ')} `.startsWith(`${command} `);
  });
  assert.notEqual(found, undefined, `docs/json.md has no row for ${words.join(' ')}`);
  return found!;
}

/** Members of the document, and of the objects in its lists. */
function namesOf(value: unknown, depth: number): string[] {
  if (depth === 0 || typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((member) => namesOf(member, depth));
  return Object.entries(value).flatMap(([name, member]) => [
    name,
    ...(Array.isArray(member) ? namesOf(member, depth - 1) : []),
  ]);
}

/** `a job as above`, `a suite as above`: the row before it names the rest. Lists of whole jobs and tag builds too. */
function hasAsAbove(row: string, name: string): boolean {
  const others = [
    /a job as above/.test(row) ? ['job', 'list'] : [],
    /a task as above/.test(row) ? ['rebuild', 'list'] : [],
    /a suite as above/.test(row) ? ['suite', 'list'] : [],
    /`moving`/.test(row) ? ['intake', 'tag'] : [],
  ];
  if (/`moving`/.test(row)) others.push(['worker', 'list'], ['suite', 'list']);
  if (
    /`packages`, `snapshots`|`jobs`|`moving`/.test(row) &&
    /^(?:version|component|state|publishedAt|firstSnapshot|binaries|suite|repository|number|id|createdAt|validUntil|inRelease|packages|architecture|count|jobs)$/.test(
      name,
    )
  )
    return true;
  return others.some((words) => words.length > 0 && rowOf(words).includes(`\`${name}\``));
}
