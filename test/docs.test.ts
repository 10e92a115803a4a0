/** The documents say what is so: every setting with its default, every refusal, every command. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { safeParse } from 'zod/v4/core';

import { describeCommands } from '../src/apps/cli/completion/tree.ts';
import { buildProgram } from '../src/apps/cli/program.ts';
import { refusalCodes } from '../src/model/tag-build.ts';
import { settingLeaves } from '../src/policy/testing/settings.ts';
import { parseToml } from '../src/kit/toml.ts';

const docs = join(import.meta.dirname, '../docs');
const read = (name: string) => readFileSync(join(docs, name), 'utf8');
const policy = read('write-a-policy.md');

/** Rows of the tables in a text, each as its cells. */
function tableRows(text: string): string[][] {
  return [...text.matchAll(/^\| (.*) \|$/gm)]
    .map((match) => match[1]!.split(' | '))
    .filter(([first]) => first !== '---');
}

/** The text from a heading, or from the paragraph on may-release, to the next one. */
function sectionOf(section: string): string {
  const starts: Readonly<Record<string, string>> = {
    '': '\n## The distribution',
    'person.may-release': '\nEach `[[person.NAME.may-release]]`',
  };
  const start =
    starts[section] ??
    (policy.includes(`\n## \`[${section}]\``) ? `\n## \`[${section}]\`` : `\n## \`[${section}.NAME]\``);
  const from = policy.indexOf(start);
  assert.notEqual(from, -1, `no section on ${section}`);
  const rest = policy.slice(from + 1);
  const ends = [rest.indexOf('\n## '), section === 'person' ? rest.indexOf('\nEach `[[') : -1].filter(
    (at) => at !== -1,
  );
  return rest.slice(0, Math.min(...ends));
}

test('docs/write-a-policy.md describes every setting, with its default', () => {
  for (const { section, key, schema } of settingLeaves()) {
    const rows = tableRows(sectionOf(section)).filter(([name]) => name === `\`${key}\``);
    assert.equal(rows.length, 1, `[${section}] ${key} stands ${rows.length} times in its table`);
    const [, cell = ''] = rows[0]!;
    const standard = safeParse(schema, undefined).data;
    const code = /^`([^`]*)`$/.exec(cell)?.[1];
    if (standard === undefined) {
      assert.ok(code === undefined || code.includes('NAME'), `[${section}] ${key} has no default such as ${cell}`);
    } else {
      assert.notEqual(code, undefined, `[${section}] ${key} has a default: ${JSON.stringify(standard)}`);
      const given = parseToml(`x = ${code}`, 'docs').value['x'];
      const data = safeParse(schema, given).data;
      assert.deepEqual(data, standard, `[${section}] ${key}`);
    }
  }
});

test('docs/write-a-policy.md describes no setting that does not exist', () => {
  const known = new Set(settingLeaves().map(({ key }) => key));
  const settings = policy.slice(0, policy.indexOf('\n## When a key is valid'));
  for (const [name] of tableRows(settings)) {
    if (name !== 'setting') assert.ok(known.has(name!.replaceAll('`', '')), `there is no setting ${name}`);
  }
});

test('docs/write-a-policy.md explains every refusal, with a cause and a way out', () => {
  const rows = tableRows(policy.slice(policy.indexOf('\n## Why a tag is refused'))).slice(1);
  assert.deepEqual(
    rows.map(([code]) => code!.replaceAll('`', '')),
    [...refusalCodes],
  );
  for (const [code, cause, out] of rows) assert.ok(cause!.length > 10 && out!.length > 8, code);
});

test('docs/json.md has every command', () => {
  const described = tableRows(read('json.md'))
    .slice(1)
    .map(([command]) => command!.replaceAll('`', ''));
  const leaves = describeCommands(buildProgram())
    .filter(({ commands }) => commands.length === 0)
    .map(({ path }) => ['sheaf', ...path].join(' '))
    .filter((command) => command !== 'sheaf serve' && command !== 'sheaf worker run');
  assert.deepEqual(described, leaves);
});

test('links between the documents lead somewhere', () => {
  for (const name of readdirSync(docs).filter((each) => each.endsWith('.md'))) {
    for (const [, target = ''] of read(name).matchAll(/\]\(([^)#:]+\.md)?(?:#[^)]*)?\)/g)) {
      if (target !== '') assert.ok(existsSync(join(docs, dirname(name), target)), `${name}: ${target}`);
    }
    for (const [, file = '', anchor = ''] of read(name).matchAll(/\]\(([^)#:]*\.md)?#([^)]*)\)/g)) {
      const headings = [...read(file === '' ? name : file).matchAll(/^#+ (.*)$/gm)].map((match) =>
        match[1]!
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
      assert.ok(headings.includes(anchor), `${name}: #${anchor}`);
    }
  }
});
