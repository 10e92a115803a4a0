/** The tree of commands: nouns, and verbs below them. Everything heavy is imported by the action that needs it. */
import { Command } from '@commander-js/extra-typings';

import { addArchive } from './archive.ts';
import { addBisect } from './bisect.ts';
import { addBuild } from './build.ts';
import { addChallenge } from './challenge.ts';
import { addCompletion } from './completion.ts';
import { addDevice } from './device.ts';
import { addDiff } from './diff.ts';
import { addDoctor } from './doctor.ts';
import { refuseEmptyWords } from './empty-words.ts';
import { teach } from './help.ts';
import { addImport } from './import.ts';
import { addInit } from './init.ts';
import { addIntake } from './intake.ts';
import { addJob } from './job.ts';
import { addKey } from './key.ts';
import { addLock } from './lock.ts';
import { addManifest } from './manifest.ts';
import { addMirror } from './mirror.ts';
import { addNew } from './new.ts';
import { addPackage } from './package.ts';
import { addRebuild } from './rebuild.ts';
import { addRoot } from './root.ts';
import { addServe } from './serve.ts';
import { addStorage } from './storage.ts';
import { addStatus } from './status.ts';
import { addSuite } from './suite.ts';
import { addUpstream } from './upstream.ts';
import { version } from './version.ts';
import { addWeb } from './web.ts';
import { addWorker } from './worker.ts';

/** The root, before nouns are added: options that hold for every command. */
export function createRoot() {
  return new Command('sheaf')
    .description('Runs a binary Linux distribution: from a signed git tag to a package that apt installs.')
    .version(version(), '-V, --version', 'print the version')
    .option(
      '-C, --dir <dir>',
      "the distribution's folder (default: the nearest one upwards with a sheaf.toml, else $SHEAF_DIR)",
    )
    .option('--json', 'print one JSON document; errors as {"error": …} on standard error')
    .helpOption('-h, --help', 'explain a command, with examples')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError(true)
    .hook('preAction', (_root, command) => refuseEmptyWords(command))
    .exitOverride();
}

export type Root = ReturnType<typeof createRoot>;

export function buildProgram(): Root {
  const root = createRoot();
  for (const add of [
    addInit,
    addServe,
    addWorker,
    addIntake,
    addJob,
    addBuild,
    addPackage,
    addSuite,
    addNew,
    addWeb,
    addImport,
    addUpstream,
    addArchive,
    addMirror,
    addStorage,
    addDiff,
    addManifest,
    addDevice,
    addLock,
    addRoot,
    addBisect,
    addRebuild,
    addChallenge,
    addKey,
    addStatus,
    addDoctor,
  ]) {
    add(root);
  }
  addCompletion(root);
  for (const noun of root.commands) noun.helpCommand(false);
  teach(root, {
    examples: [
      ['sheaf init grove', 'make a distribution in the folder grove'],
      ['sheaf doctor', 'see what this machine lacks, and the command that adds it'],
      ['sheaf -C grove serve', 'run it: intake, archive, web pages'],
      ['sheaf -C grove package show hello', 'where is hello now, and why?'],
      ['sheaf -C grove diff debian/trixie', 'what changed there the last time'],
    ],
    notes: [
      'Exit codes: 0 done; 1 the answer is no: refused, failed, or there is a difference; 2 the command line is wrong, or',
      'what it names is not there; 3 the environment lacks something; 130 stopped by Ctrl-C.',
      'Environment: SHEAF_DIR (the folder), SHEAF_DATABASE_URL (a PostgreSQL server of your own), NO_COLOR, SHEAF_DEBUG.',
    ],
    seeAlso: [
      ...['docs/first-distribution.md', 'docs/write-a-policy.md', 'docs/add-a-worker.md', 'docs/git-hosting.md'],
      'docs/follow-an-upstream.md',
    ],
  });
  return root;
}

/** `job list`, as far as the words name commands: what to look up when the rest is wrong. */
export function namedCommand(root: Root, words: readonly string[]): string {
  return walk(root, words)
    .map((each) => each.name())
    .join(' ');
}

/** An option among the words that takes all words after it: where others are missing, it has them. */
export function greedyOption(root: Root, words: readonly string[]): string | undefined {
  const { options } = walk(root, words).at(-1)!;
  return options.find(({ variadic, long }) => variadic && words.includes(long!))?.long;
}

type Walked = {
  readonly name: () => string;
  readonly commands: readonly unknown[];
  readonly options: readonly { readonly long?: string | undefined; readonly variadic: boolean }[];
};

/** From the root, as far as the words name commands. */
function walk(root: Root, words: readonly string[]): Walked[] {
  const path: Walked[] = [root];
  for (const word of words) {
    const found = (path.at(-1)!.commands as readonly Walked[]).find((each) => each.name() === word);
    if (found !== undefined) path.push(found);
  }
  return path;
}
