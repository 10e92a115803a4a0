/** `sheaf lock …` */
import { Option } from '@commander-js/extra-typings';

import { variants } from '../../lock/variant.ts';
import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { exitCodes } from './exit.ts';
import { teach } from './help.ts';

type Noun = ReturnType<Root['command']>;

export function addLock(root: Root): void {
  const noun = root
    .command('lock')
    .summary('exact lists of packages for git: create, update, diff, explain, verify')
    .description(
      'A lock is an exact list of packages with the snapshots they come from: whoever has the file has the same system. ' +
        'apt chooses the packages, from indexes that are kept here for ever.',
    );
  teach(noun, {
    examples: [
      ['sheaf lock create image.toml', 'image.lock from what image.toml asks for'],
      ['sheaf lock show image.lock', 'what is in it'],
      ['sheaf lock verify image.lock --files', 'whether all of it is as the archive had it, and can be had'],
    ],
    seeAlso: ['sheaf upstream', 'sheaf archive', 'docs/follow-an-upstream.md'],
  });
  addCreate(noun);
  addUpdate(noun);
  addShow(noun);
  addDiff(noun);
  addExplain(noun);
  addVerify(noun);
  addFromBuildinfo(noun);
  addFromSystem(noun);
}

function addCreate(noun: Noun): void {
  const command = noun
    .command('create')
    .summary('choose packages by apt, and write them down')
    .description(
      'Asks apt what it would install in an empty system: all essential packages, those of the variant, and those that ' +
        'are named, from the snapshots that are named. What to lock is written in a file NAME.toml, or in the options. ' +
        'Nothing is fetched: apt reads the indexes that are kept here.',
    )
    .argument('<what>', 'a file NAME.toml, or with --package the name of the lock')
    .option('--package <package...>', 'packages as apt takes them: nginx, hello=2.10-3, libc6:i386, nginx/SUITE')
    .option('--from <place...>', 'suites of upstreams or of ours: debian/trixie, debian/trixie@2026-09-12, stable@142')
    .option('--arch <architecture...>', 'a lock for each of these architectures (default: amd64)')
    .addOption(
      new Option('--variant <variant>', 'what comes beside them, by mmdebstrap’s names (default: minbase)').choices(
        variants,
      ),
    )
    .option('--recommends', 'recommended packages too')
    .option('--exclude <package...>', 'packages that must not come')
    .option('--output <file>', 'the lock (default: NAME.lock, beside NAME.toml)')
    .allowExcessArguments()
    .action(async (what, options, self) => {
      const output = outputOf(self);
      const { create, formatCreated, refuseWords } = await import('./lock/create.ts');
      refuseWords(self.args);
      await withHouse(self, async (house) => {
        const created = await create(house, what, { ...options, json: output.json });
        output.result(created, () => formatCreated(created));
        if (created.kind === 'unsatisfiable') process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf lock create image.toml', 'writes image.lock'],
      ['sheaf lock create web --package nginx --from debian/trixie debian/trixie-updates', 'writes web.lock'],
      [
        'sheaf lock create web --package nginx --from debian/trixie@2026-09-12 --arch amd64 arm64 --variant essential',
        'as of a day, for two architectures, as little as apt allows',
      ],
    ],
    notes: [
      'image.toml has packages = ["nginx"], from = ["debian/trixie", "stable@142"], architectures = ["amd64"], and where',
      'that is not the default variant = "minbase", recommends = false, exclude = [].',
      'A suite without a snapshot is its newest one that is kept. Exit code 1: apt finds no such set of packages.',
    ],
    seeAlso: ['sheaf lock show', 'sheaf lock verify', 'sheaf upstream update'],
  });
}

function addShow(noun: Noun): void {
  const command = noun
    .command('show')
    .summary('packages, sizes and sources of a lock')
    .description('Lists what a lock has: its snapshots, and every package with version and size.')
    .argument('<lock>', 'a file NAME.lock')
    .option('--arch <architecture>', 'only of this architecture')
    .action(async (file, options, self) => {
      const output = outputOf(self);
      const { readShown, formatShown } = await import('./lock/show.ts');
      const shown = await readShown(file, options.arch);
      output.result(shown, () => formatShown(shown));
    });
  teach(command, {
    examples: [
      ['sheaf lock show image.lock', 'needs no distribution'],
      ["sheaf lock show image.lock --json | jq -r '.locks[].packages[].name'", 'for programs'],
    ],
    seeAlso: ['sheaf lock create', 'sheaf lock verify'],
  });
}

function addVerify(noun: Noun): void {
  const command = noun
    .command('verify')
    .summary('whether a lock is what its snapshots had')
    .description(
      'Looks every package of a lock up in the snapshots that it names: the same version, the same SHA-256, the same ' +
        'stanza; and whether these are the Release files and keys that vouched. With --files also whether every file can ' +
        'be had: those on this machine are hashed, the others are asked for at their address.',
    )
    .argument('<lock>', 'a file NAME.lock')
    .option('--files', 'ask for every file too')
    .action(async (file, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { verify, formatVerified } = await import('./lock/verify.ts');
        const report = await verify(house, file, { files: options.files === true, json: output.json });
        output.result(report, () => formatVerified(report));
        if (report.problems.length > 0) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf lock verify image.lock', 'against the history, without network'],
      ['sheaf lock verify image.lock --files', 'and whether every file is still somewhere'],
    ],
    notes: ['Exit code 1: something is not so; each line says what, and where in the file.'],
    seeAlso: ['sheaf lock show', 'sheaf archive verify'],
  });
}

function addUpdate(noun: Noun): void {
  const command = noun
    .command('update')
    .summary('move a lock to newer snapshots, and tell what changed')
    .description(
      'Asks apt again for what the lock says was asked for, from the newest snapshots of the same suites that are kept ' +
        'here, writes the lock, and tells what changed: versions, sizes, what the changelogs say, and the CVEs that they ' +
        'name. Where no package changes, the file stays as it is.',
    )
    .argument('<lock>', 'a file NAME.lock')
    .option('--spec <file>', 'ask for what this file says now')
    .addOption(
      new Option(
        '--only <names...>',
        'only these packages may move, by name or source (`*` is anything), and whatever they force',
      ).conflicts('security'),
    )
    .option('--security', 'only packages of which a suite called …-security has a newer version')
    .option('--to <place>', 'a snapshot or a day instead of the newest: 2026-09-12, debian/trixie@20260912T075541Z')
    .option('--check', 'only tell; exit code 1 when something would move')
    .addOption(new Option('--commit', 'commit the lock to git, with what changed as the message').conflicts('check'))
    .option('--no-changelogs', 'do not fetch packages for their changelogs')
    .action(async (file, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { update, formatUpdated } = await import('./lock/update.ts');
        const updated = await update(house, file, { ...options, json: output.json });
        output.result(updated, () => formatUpdated(updated));
        if (updated.kind === 'unsatisfiable' || updated.kind === 'behind') process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf lock update image.lock', 'all packages to the newest snapshots'],
      ['sheaf lock update image.lock --security --commit', 'security updates alone, as a git commit'],
      ['sheaf lock update image.lock --only nginx openssl', 'these, and what they force'],
      ['sheaf lock update image.lock --to 2026-09-12 --check', 'what would be, as of that day'],
    ],
    notes: [
      'Newer snapshots come by: sheaf upstream update.',
      'With --only and --security all other packages keep their versions, wherever the suites still have them.',
      '--commit refuses a file that has changes of its own which are not committed.',
      'Exit codes: 0 updated, or nothing to do; 1 apt finds no such set of packages, or with --check something would move.',
    ],
    seeAlso: ['docs/keep-a-lock-fresh.md', 'sheaf lock diff', 'sheaf upstream update'],
  });
}

function addDiff(noun: Noun): void {
  const command = noun
    .command('diff')
    .summary('what differs between two locks')
    .description(
      'Compares two files, architecture by architecture: packages that were added, removed, upgraded or downgraded, by ' +
        'source package, with sizes; and those with other bytes under the same version, which is an alarm.',
    )
    .argument('<a>', 'the older lock')
    .argument('<b>', 'the newer lock')
    .option('--changelogs', 'what the changelogs say of upgrades; packages that are not here are fetched for it')
    .action(async (a, b, options, self) => {
      const output = outputOf(self);
      const { diffLocks, formatLockDiff } = await import('./lock/diff.ts');
      const { isSameContent } = await import('../../flows/compare-locks.ts');
      const diff = await diffLocks(a, b, { changelogs: options.changelogs === true, json: output.json });
      output.result(diff, () => formatLockDiff(diff));
      if (!isSameContent(diff)) process.exitCode = exitCodes.refused;
    });
  teach(command, {
    examples: [
      ['sheaf lock diff old.lock new.lock', 'needs no distribution'],
      ['sheaf lock diff <(git show HEAD~1:image.lock) image.lock --changelogs', 'since the last commit'],
      ["sheaf lock diff old.lock new.lock --json | jq '.architectures[].counts'", 'for programs'],
    ],
    notes: [
      'Exit codes: 0 the same packages, 1 a difference. Other snapshots with the same packages are told, and are none.',
    ],
    seeAlso: ['sheaf lock update', 'sheaf diff'],
  });
}

function addExplain(noun: Noun): void {
  const command = noun
    .command('explain')
    .summary('why a package is in a lock')
    .description(
      'Shows how a package came into a lock: from what was asked for, or is essential, step by step by what depends on ' +
        'what; what could not stay without it; and what is there for its sake alone.',
    )
    .argument('<lock>', 'a file NAME.lock')
    .argument('<package>', 'name of a package in it, or NAME:ARCHITECTURE')
    .option('--arch <architecture>', 'only in the lock for this architecture')
    .option('--all', 'every reason, not only the shortest')
    .action(async (file, name, options, self) => {
      const output = outputOf(self);
      const { explainInLock, formatExplanation } = await import('./lock/explain.ts');
      const found = await explainInLock(file, name, options.arch);
      output.result(found, () => formatExplanation(found, options.all === true));
    });
  teach(command, {
    examples: [
      ['sheaf lock explain image.lock libssl3t64', 'who needs it?'],
      ['sheaf lock explain image.lock libc6 --arch arm64 --all', 'every reason, in one of several locks'],
    ],
    seeAlso: ['sheaf lock show', 'sheaf lock diff'],
  });
}

function addFromBuildinfo(noun: Noun): void {
  const command = noun
    .command('from-buildinfo')
    .summary('the environment of a build as a lock')
    .description(
      'Makes a lock of what a .buildinfo lists under Installed-Build-Depends. It names versions, not files: which files ' +
        'these were is looked up in the snapshots that are kept here, those of the build’s day first.',
    )
    .argument('<file>', 'a .buildinfo file; a signature is not verified')
    .option('--output <file>', 'the lock (default: NAME.lock beside NAME.buildinfo)')
    .option('--partial', 'write a lock also when some packages are not known')
    .action(async (file, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { fromBuildinfo, formatBuildinfo } = await import('./lock/from-buildinfo.ts');
        const found = await fromBuildinfo(house, file, options);
        output.result(found, () => formatBuildinfo(found));
        if (found.unknown.length > 0) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf lock from-buildinfo hello_2.10-3_amd64.buildinfo', 'writes hello_2.10-3_amd64.lock'],
      ['sheaf lock from-buildinfo hello.buildinfo --partial --json', 'what is known, for programs'],
    ],
    notes: ['Exit code 1: some packages are not known here; each is named, with where it may be had.'],
    seeAlso: ['sheaf upstream import', 'sheaf package history'],
  });
}

function addFromSystem(noun: Noun): void {
  const command = noun
    .command('from-system')
    .summary('an installed system as a lock')
    .description(
      'Makes a lock of the packages that dpkg says are installed in a Debian system, on this machine or in a folder. ' +
        'Which files these were is looked up in the snapshots that are kept here.',
    )
    .option('--root <dir>', 'the folder that the system is in (default: /)')
    .option('--output <file>', 'the lock (default: system.lock)')
    .option('--partial', 'write a lock also when some packages are not known')
    .action(async (options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { fromSystem, formatSystem } = await import('./lock/from-system.ts');
        const found = await fromSystem(house, options);
        output.result(found, () => formatSystem(found));
        if (found.unknown.length > 0 || found.unfinished.length > 0) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf lock from-system', 'this machine'],
      ['sheaf lock from-system --root /mnt/image --output image.lock', 'a system in a folder'],
    ],
    notes: [
      'Asked for counts as what apt did not install by itself. Packages of which only configuration files are left are',
      'left out and told. Exit code 1: some packages are from elsewhere, or are not installed to the end.',
    ],
    seeAlso: ['sheaf lock explain', 'sheaf upstream import'],
  });
}
