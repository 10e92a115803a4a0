import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { findProgram } from '../../plumbing/process.ts';
import { describeCommands } from './completion/tree.ts';
import { scripts } from './completion/scripts.ts';
import { buildProgram, greedyOption, namedCommand } from './program.ts';

const checkout = join(import.meta.dirname, '../../..');
const directory = mkdtempSync(join(tmpdir(), 'sheaf-program-'));
after(() => rmSync(directory, { recursive: true }));

const commands = describeCommands(buildProgram());

/** The help of a command as it is printed, without starting a process. */
function helpOf(path: readonly string[]): string {
  let printed = '';
  let command = buildProgram() as unknown as Printing;
  for (const word of path) command = command.commands.find((each) => each.name() === word)!;
  command.configureOutput({ writeOut: (text) => (printed += text) });
  command.outputHelp();
  return printed;
}

type Printing = {
  readonly commands: readonly Printing[];
  readonly name: () => string;
  readonly configureOutput: (output: { writeOut: (text: string) => void }) => unknown;
  readonly outputHelp: () => void;
};

for (const { path } of commands) {
  const name = ['sheaf', ...path].join(' ');
  test(`${name} --help has an example of itself and names only commands and documents that exist`, () => {
    const help = helpOf(path);
    const examples = /\nExamples:\n((?: {2}.*\n?)+)/.exec(help)?.[1];
    assert.ok(
      examples?.replaceAll(/ -C \S+/g, '').includes(name) || path.length === 0,
      `no example of ${name}:\n${help}`,
    );
    for (const [, words] of [...examples!.matchAll(/(?:^ {2}|[|] )sheaf ((?:-C \S+ )?[a-z][^#|>]*)/gm)]) {
      assert.notEqual(namedCommand(buildProgram(), words!.split(/\s+/)), 'sheaf', words);
    }
    const seeAlso =
      /\nSee also: (.*)/
        .exec(help)?.[1]
        ?.replaceAll(/ \(.*?\)/g, '')
        .split(', ') ?? [];
    for (const reference of seeAlso) {
      if (reference.startsWith('docs/')) assert.ok(existsSync(join(checkout, reference)), reference);
      else assert.equal(namedCommand(buildProgram(), reference.split(' ').slice(1)), reference);
    }
  });
}

test('namedCommand finds the command in a command line that is wrong', () => {
  const root = buildProgram();
  assert.equal(namedCommand(root, ['-C', 'grove', 'job', 'list', '--stat', 'Failed']), 'sheaf job list');
  assert.equal(namedCommand(root, ['jub']), 'sheaf');
});

test('greedyOption finds the option that has the words which are missing', () => {
  const greedy = (...words: string[]) => greedyOption(buildProgram(), words);
  assert.equal(greedy('-C', 'grove', 'lock', 'create', '--package', 'nginx', 'web'), '--package');
  assert.equal(greedy('lock', 'create', '--variant', 'apt'), undefined);
});

test('--source refuses an architecture beside it, where it would have none', async () => {
  for (const words of [
    ['package', 'history', 'hello'],
    ['upstream', 'files', 'debian', 'hello'],
  ]) {
    const parsed = buildProgram().parseAsync([...words, '--source', '--arch', 'amd64'], { from: 'user' });
    await assert.rejects(parsed, { code: 'commander.conflictingOption' });
  }
});

test('archive index refuses a file to write to where it would only list', async () => {
  const parse = (...words: string[]) =>
    buildProgram().parseAsync(['archive', 'index', 'debian/sid', ...words], { from: 'user' });
  await assert.rejects(parse('--output', 'Packages'), {
    code: 'usage',
    hint: /sheaf archive index debian\/sid --list$/,
  });
  await assert.rejects(parse('--compressed', 'xz'), { code: 'usage' });
  await assert.rejects(parse('main/source/Sources', '--list', '--output', 'Sources'), {
    code: 'commander.conflictingOption',
  });
});

test('every command has a summary for the list it stands in', () => {
  for (const { commands: below } of commands) for (const { word, purpose } of below) assert.notEqual(purpose, '', word);
});

for (const shell of ['bash', 'zsh', 'fish'] as const) {
  test(`sheaf completion ${shell} prints what ${shell} can read`, async (context) => {
    if ((await findProgram(shell)) === undefined) return context.skip(`${shell} is not installed`);
    const file = join(directory, shell);
    writeFileSync(file, scripts[shell](commands));
    const { status, stderr } = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });
}

test('sheaf completion bash completes commands, options and choices', () => {
  const file = join(directory, 'complete.bash');
  writeFileSync(file, scripts.bash(commands));
  const complete = (...words: string[]) =>
    execFileSync(
      'bash',
      [
        '-c',
        'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sheaf; printf "%s\\n" "${COMPREPLY[@]}"',
        file,
        ...words,
      ],
      { encoding: 'utf8', cwd: directory },
    )
      .trim()
      .split('\n');
  assert.deepEqual(complete('sheaf', 'jo'), ['job']);
  assert.deepEqual(complete('sheaf', '-C', 'worker', 'suite', ''), [
    'list',
    'show',
    'publish',
    'include',
    'remove',
    'copy',
    'rollback',
    'freeze',
    'thaw',
  ]);
  assert.deepEqual(complete('sheaf', 'job', 'list', '--s'), ['--state', '--source']);
  assert.deepEqual(complete('sheaf', 'completion', ''), ['bash', 'zsh', 'fish']);
  assert.deepEqual(complete('sheaf', 'key', 'show', 'complete'), ['complete.bash']);
});
