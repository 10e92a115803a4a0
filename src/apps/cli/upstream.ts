/** `sheaf upstream …` */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';

import type { Root } from './program.ts';
import { findDirectory, outputOf, withHouse } from './context.ts';
import { exitCodes } from './exit.ts';
import { teach } from './help.ts';

type Noun = ReturnType<Root['command']>;

export function addUpstream(root: Root): void {
  const noun = root
    .command('upstream')
    .summary('foreign archives that are followed: add, update, list, show, files, import')
    .description(
      'Upstreams: foreign archives such as Debian. Their indexes are verified and kept for ever, every version; their ' +
        'packages are fetched when somebody asks for them.',
    );
  teach(noun, {
    examples: [
      ['sheaf upstream add debian http://deb.debian.org/debian --suite trixie', 'write it to sheaf.toml'],
      ['sheaf upstream update', 'look for new versions of everything'],
      ['sheaf upstream list', 'what is followed, and how fresh it is'],
    ],
    seeAlso: ['docs/follow-an-upstream.md', 'sheaf archive', 'sheaf package history', 'docs/write-a-policy.md'],
  });
  addAdd(noun);
  addList(noun);
  addShow(noun);
  addUpdate(noun);
  addFiles(noun);
  addImport(noun);
}

function addAdd(noun: Noun): void {
  const command = noun
    .command('add')
    .summary('follow another archive: write it to sheaf.toml')
    .description(
      'Adds a table [upstream.NAME] to the end of sheaf.toml. Nothing else in the file changes, and nothing is ' +
        'fetched yet.',
    )
    .argument('<name>', 'what it is called here')
    .argument('<url>', "the archive's address: the folder that holds dists/ and pool/")
    .requiredOption('--suite <suite...>', 'suites to follow, as they are called below dists/')
    .option('--component <component...>', 'components (default: main)')
    .option('--arch <architecture...>', 'architectures, beside all (default: amd64)')
    .option('--keyring <file>', "the archive's public keys (default: Debian's)")
    .option('--no-sources', 'not the indexes of source packages')
    .option('--contents', "the indexes of the packages' files too: large")
    .option('--translation <language...>', 'translated descriptions too, such as en or pt_BR')
    .addOption(
      new Option(
        '--expired <what>',
        'a Release file past its Valid-Until: for an archive that is frozen, accept',
      ).choices(['refuse', 'accept'] as const),
    )
    .option('--every <duration>', 'how often the server looks for a new version, such as 6h (default: only when asked)')
    .action(async (name, url, options, self) => {
      const output = outputOf(self);
      const directory = await findDirectory(self.optsWithGlobals().dir);
      const { add, formatAdded } = await import('./upstream/add.ts');
      const added = await add(directory, name, url, options);
      output.result(added, () => formatAdded(added));
    });
  teach(command, {
    examples: [
      ['sheaf upstream add debian http://deb.debian.org/debian --suite trixie', 'main, amd64 and sources of one suite'],
      [
        'sheaf upstream add ubuntu http://archive.ubuntu.com/ubuntu --suite noble noble-updates --component main universe --keyring keys/ubuntu.gpg --every 6h',
        'more of everything, looked at four times a day by the server',
      ],
    ],
    notes: ['Each setting is described in docs/write-a-policy.md. To change or remove an upstream, edit sheaf.toml.'],
    seeAlso: ['sheaf upstream update', 'docs/follow-an-upstream.md'],
  });
}

function addList(noun: Noun): void {
  const command = noun
    .command('list')
    .summary('all upstreams with their newest snapshot')
    .description('Lists every followed suite with its newest snapshot, and what came of the last look at it.')
    .action(async (_, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { listUpstreams, formatUpstreams } = await import('./upstream/list.ts');
        const suites = await listUpstreams(house);
        output.result({ suites }, () => formatUpstreams(suites));
      });
    });
  teach(command, {
    examples: [
      ['sheaf upstream list', 'all of them'],
      [
        `sheaf upstream list --json | jq -r '.suites[] | select(.outcome != "new" and .outcome != "unchanged") | .suite'`,
        'for monitoring: suites whose last look went wrong',
      ],
    ],
    seeAlso: ['sheaf upstream show', 'sheaf upstream update'],
  });
}

function addShow(noun: Noun): void {
  const command = noun
    .command('show')
    .summary('suites, indexes, snapshots and looks of one upstream')
    .description(
      'Shows what is followed of an upstream, the snapshots that were seen with what changed in each, the newest first, ' +
        'and the last looks at it with the reasons why a Release file was refused.',
    )
    .argument('<name>', 'name of an upstream')
    .option('--suite <suite>', 'only this suite')
    .option('-n, --limit <count>', 'at most so many snapshots of each suite', parseCount, 10)
    .action(async (name, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readUpstream, formatUpstream } = await import('./upstream/show.ts');
        const upstream = await readUpstream(house, name, options);
        output.result(upstream, () => formatUpstream(upstream));
      });
    });
  teach(command, {
    examples: [
      ['sheaf upstream show debian', 'everything'],
      ['sheaf upstream show debian --suite trixie --limit 100', 'the last hundred snapshots of one suite'],
    ],
    seeAlso: ['sheaf diff', 'sheaf archive index', 'sheaf upstream update'],
  });
}

function addUpdate(noun: Noun): void {
  const command = noun
    .command('update')
    .summary('look for new versions, verify and keep them')
    .description(
      'Fetches the Release file of every followed suite, verifies it against the keyring, and keeps every index that is ' +
        'new. What is here already is not fetched again, and an update that was broken off goes on where it was. A ' +
        'Release file that is expired, older than one seen before, unsigned or wrongly signed is refused, and recorded.',
    )
    .argument('[name...]', 'names of upstreams (default: all)')
    .option('--suite <suite...>', 'only these suites')
    .option('--trust-clock', 'take the time of this machine as right, though it was later at the last look')
    .action(async (names, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { updateUpstreams, formatReports } = await import('./upstream/update.ts');
        const reports = await updateUpstreams(house, names, { ...options, json: output.json });
        output.result({ reports }, () => formatReports(reports));
        if (reports.some(({ outcome }) => outcome === 'refused' || outcome === 'failed')) {
          process.exitCode = exitCodes.refused;
        }
      });
    });
  teach(command, {
    examples: [
      ['sheaf upstream update', 'all upstreams'],
      ['sheaf upstream update debian --suite trixie', 'one suite'],
      ["sheaf upstream update --json | jq -r '.reports[].message'", 'for programs'],
    ],
    notes: ['Exit code 1: a suite was refused or failed; the others were updated all the same.'],
    seeAlso: ['sheaf upstream list', 'sheaf upstream show', 'sheaf diff'],
  });
}

function addFiles(noun: Noun): void {
  const command = noun
    .command('files')
    .summary('list packages of an upstream, and fetch them')
    .description(
      'Lists the files of packages in a suite, with their SHA-256 and whether they are here. With --fetch those that are ' +
        'missing are fetched, checked against their SHA-256, and kept; what was begun goes on where it was broken off.',
    )
    .argument('<name>', 'name of an upstream')
    .argument('[pattern...]', 'names of packages, with "*" for any characters (default: all)')
    .option('--suite <suite>', 'suite to look in (default: the only one)')
    .option('--at <place>', 'as of a snapshot or a day: 20260912T075541Z, 2026-09-12 (default: the newest)')
    .option('--arch <architecture>', 'only packages of this architecture, such as amd64 or all')
    .addOption(new Option('--source', 'source packages, with all their files').conflicts('arch'))
    .option('--fetch', 'fetch what is not here')
    .option('--output <dir>', 'put the files that are here into this folder')
    .action(async (name, patterns, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { listFiles, formatFiles } = await import('./upstream/files.ts');
        const found = await listFiles(house, name, patterns, { ...options, json: output.json });
        output.result(found, () => formatFiles(found));
        if (found.problems.length > 0) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf upstream files debian hello', 'the files of a package'],
      ["sheaf upstream files debian 'lib*-dev' --suite trixie --arch amd64 --fetch", 'fetch many'],
      ['sheaf upstream files debian hello --source --at 2026-09-12 --fetch --output hello', 'an older source package'],
    ],
    notes: ['Exit code 1: a file could not be fetched; the others were.'],
    seeAlso: ['sheaf package history', 'sheaf upstream update'],
  });
}

function addImport(noun: Noun): void {
  const command = noun
    .command('import')
    .summary('take in indexes that somebody saved')
    .description(
      'Records snapshots from saved files: a tree with dists/SUITE (or files of /var/lib/apt/lists), a folder of trees ' +
        'named by their dates, or a git repository with one version per commit. Release files are verified as of their ' +
        'own date, and indexes against them. What is recorded already is passed over.',
    )
    .argument('<dir...>', 'folders or git repositories; before them the name of an upstream, where there are several')
    .option('--suite <suite>', 'only this suite; also of files that do not say whose they are')
    .option('--unsigned', 'also indexes without a signed Release file, as of the date of their folder or commit')
    .action(async (words, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { chooseUpstream, importSaved, formatImport } = await import('./upstream/import.ts');
        const { name, directories } = chooseUpstream(house, words);
        const report = await importSaved(house, name, directories, { ...options, json: output.json });
        output.result(report, () => formatImport(report));
        if (report.problems.length > 0) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf upstream import debian /srv/mirror/debian', 'the state that a mirror on this disk is in'],
      ['sheaf upstream import debian /srv/saved', 'folders such as /srv/saved/2026-09-12/dists/trixie'],
      ['sheaf upstream import debian indexes.git --suite trixie --unsigned', 'a git repository of bare Packages files'],
    ],
    notes: ['Exit code 1: something could not be taken; the rest was.'],
    seeAlso: ['sheaf upstream show', 'docs/follow-an-upstream.md'],
  });
}

function parseCount(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value;
  throw new InvalidArgumentError('Expected a whole number from 1 to 10000.');
}
