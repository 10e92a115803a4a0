/** `sheaf rebuild list`, `show`, `report`, `accept`, `key`: what rebuilds have found. */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';

import { causeKinds, verdicts } from '../../../model/rebuild.ts';
import { commandLineActor } from '../actor.ts';
import { outputOf, withHouse } from '../context.ts';
import { exitCodes } from '../exit.ts';
import { teach } from '../help.ts';
import type { Root } from '../program.ts';

type Noun = ReturnType<Root['command']>;

export function addVerdicts(noun: Noun): void {
  addList(noun);
  addShow(noun);
  addReport(noun);
  addAccept(noun);
  addKey(noun);
  addCancel(noun);
}

function addList(noun: Noun): void {
  const command = noun
    .command('list')
    .summary('published files, and the verdict on each')
    .description(
      'Lists published files by package name, each with the verdict on it, its causes, and who said so. Of each rebuilder ' +
        'the newest word counts; where they disagree, reproduced is the verdict, and who says otherwise stands beside it. ' +
        'Foreign rebuilders count while sheaf.toml names them and does not call them revoked. With --waiting, the rebuilds that ' +
        'the server’s workers are still to make, and why each waits.',
    )
    .addOption(
      new Option('--waiting', 'rebuilds that wait or are being made').conflicts([
        'verdict',
        'cause',
        'after',
        'disputed',
      ]),
    )
    .option('--verdict <verdict>', `only these: ${verdicts.join(', ')}`, oneOf(verdicts))
    .option('--cause <kind>', `only with this confirmed cause: ${causeKinds.join(', ')}`, oneOf(causeKinds))
    .option('--place <place>', 'only files that were published there: stable, debian/bookworm')
    .option('--architecture <name>', 'only files of this architecture')
    .option('--disputed', 'only files of which rebuilders say different things')
    .option('-n, --limit <count>', 'at most so many', parseCount, 50)
    .option('--after <key>', 'go on after this one: the "next" of the list before')
    .action(async (options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        if (options.waiting === true) {
          const { formatTasks, listWaiting } = await import('./tasks.ts');
          const { place: suite, architecture, limit } = options;
          const waiting = await listWaiting(house, { suite, architecture }, limit);
          return output.result(waiting, () => formatTasks(waiting.tasks));
        }
        const { listRebuilt, formatStatuses } = await import('./verdicts.ts');
        const page = await listRebuilt(house, options);
        output.result(page, () => formatStatuses(page));
      });
    });
  teach(command, {
    examples: [
      ['sheaf rebuild list --verdict differs', 'what is not reproducible'],
      ['sheaf rebuild list --cause clock --place debian/bookworm', 'what a fixed date would mend'],
      ['sheaf rebuild list --disputed', 'what one rebuilder reproduced and another did not'],
      ['sheaf rebuild list --waiting', 'what the workers are still to rebuild, and why it waits'],
      ["sheaf rebuild list --json | jq '.files[].sha256'", 'for programs'],
    ],
    seeAlso: ['sheaf rebuild show', 'sheaf rebuild report', 'sheaf rebuild cancel'],
  });
}

function addShow(noun: Noun): void {
  const command = noun
    .command('show')
    .summary('what rebuilds of a package or file found')
    .description(
      'Shows rebuilds, the newest first: of a package by its name, of a file by its SHA-256 (the published one or the rebuilt ' +
        'one), or one rebuild by its number. With --statement, the signed statement itself.',
    )
    .argument('<what>', 'a package NAME[=VERSION], a SHA-256, or the number of a rebuild')
    .option('--statement', 'print the newest signed statement: a DSSE envelope')
    .action(async (what, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readRebuilds, readStatement } = await import('./show.ts');
        const rebuilds = await readRebuilds(house.db, what);
        if (options.statement === true) {
          process.stdout.write(`${await readStatement(house, rebuilds)}\n`);
          return;
        }
        const { formatRebuild, readDifferences } = await import('./show.ts');
        const { believedRebuilders } = await import('../../../rebuild/mod.ts');
        const { foreign } = believedRebuilders(house.distribution);
        // The document names them by their hash.
        const differences = await readDifferences(house, output.json ? [] : rebuilds);
        output.result({ rebuilds }, () =>
          rebuilds.flatMap((each) =>
            formatRebuild(each, { foreign, differences: differences.get(each.result.difference) }),
          ),
        );
      });
    });
  teach(command, {
    examples: [
      ['sheaf rebuild show hello', 'all rebuilds of hello'],
      ['sheaf rebuild show 42', 'one, by its number'],
      ['sheaf rebuild show hello --statement > hello.json', 'what its rebuilder signed'],
    ],
    seeAlso: ['sheaf rebuild list', 'sheaf rebuild accept'],
  });
}

function addReport(noun: Noun): void {
  const command = noun
    .command('report')
    .summary('how much was reproduced, and what would help how much')
    .description(
      'Counts verdicts by place and architecture, and causes: how many packages each keeps from being reproducible. Then ' +
        'every package that differs with its confirmed causes, and every one that failed with the reason.',
    )
    .option('--place <place>', 'only this place: stable, debian/bookworm')
    .option('--architecture <name>', 'only files of this architecture')
    .option('--markdown', 'print a document in Markdown')
    .action(async (options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readReport, formatReport, formatMarkdown } = await import('./report.ts');
        const report = await readReport(house, options);
        output.result(report, () => (options.markdown === true ? formatMarkdown(report) : formatReport(report)));
      });
    });
  teach(command, {
    examples: [
      ['sheaf rebuild report', 'everything that was rebuilt'],
      ['sheaf rebuild report --place debian/bookworm --markdown > bookworm.md', 'one place, as a document'],
      ["sheaf rebuild report --json | jq '.causes'", 'what would make how many packages reproducible'],
    ],
    seeAlso: ['sheaf rebuild list', 'sheaf challenge', 'docs/read-a-verdict.md'],
  });
}

function addAccept(noun: Noun): void {
  const command = noun
    .command('accept')
    .summary('take statements of other rebuilders')
    .description(
      'Takes signed statements of rebuilders that sheaf.toml names under [rebuilder.NAME]. Each is checked: its signature, ' +
        'whether the key is valid and not revoked, whether it is about the bytes that are published, and whether it is not ' +
        'an old one once more. The same statement again changes nothing.',
    )
    .argument('<files...>', 'DSSE envelopes, as sheaf rebuild show --statement prints them')
    .action(async (files, _options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { acceptFiles, formatAccepted } = await import('./accept.ts');
        const document = await acceptFiles(house, files, commandLineActor());
        output.result(document, () => formatAccepted(document));
        if (document.statements.some(({ refused }) => refused !== undefined)) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf rebuild accept hello.json', 'one statement'],
      ['sheaf rebuild accept statements/*.json', 'many'],
    ],
    notes: ['Exit codes: 0 all are recorded, 1 one or more are refused, 2 usage, 3 the environment lacks something.'],
    seeAlso: ['sheaf rebuild key', 'docs/write-a-policy.md'],
  });
}

function addKey(noun: Noun): void {
  const command = noun
    .command('key')
    .summary('the key by which others believe this rebuilder')
    .description(
      'Prints the public key that this distribution signs its own rebuilds with, as a section for the sheaf.toml of others; ' +
        'with --pem, in the form that repro-threshold takes, which openssl refuses; with --openssl, in the form that all ' +
        'others take. The key is made when it is first needed.',
    )
    .addOption(new Option('--pem', 'in PEM, for repro-threshold').conflicts('openssl'))
    .option('--openssl', 'in PEM, for openssl and other programs')
    .action(async (options, self) => {
      const output = outputOf(self);
      await withHouse(self, async ({ paths, distribution }) => {
        const { openRebuilder } = await import('../../rebuilder.ts');
        const { linkPublicKeyPem, publicKeyPem } = await import('../../../rebuild/mod.ts');
        const { publicKey } = await openRebuilder(paths, distribution);
        const [pem, openssl] = [linkPublicKeyPem(publicKey), publicKeyPem(publicKey)];
        const wanted = options.openssl === true ? openssl : pem;
        const section = [`[rebuilder.${distribution.name.replaceAll(/[^\w.-]/g, '-')}]`, `key = "${publicKey}"`];
        const isPem = options.pem === true || options.openssl === true;
        output.result({ publicKey, pem, openssl }, () => (isPem ? [wanted.trimEnd()] : section));
      });
    });
  teach(command, {
    examples: [
      ['sheaf rebuild key', 'lines for the sheaf.toml of others'],
      ['sheaf rebuild key --pem > grove.pub', 'a key for repro-threshold'],
      ['sheaf rebuild key --openssl > grove.pem', 'a key to verify a statement with by hand'],
    ],
    seeAlso: ['sheaf rebuild accept'],
  });
}

function addCancel(noun: Noun): void {
  const command = noun
    .command('cancel')
    .summary('call off a rebuild that the workers are to make')
    .description('Ends a rebuild that waits or is being made, and its jobs. Nothing is recorded of it but that.')
    .argument('<task>', 'number of the task, as sheaf rebuild list --waiting has it', parseId)
    .action(async (id, _options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { cancelTask, formatTasks } = await import('./tasks.ts');
        const task = await cancelTask(house, id);
        output.result(task, () => formatTasks([task]));
      });
    });
  teach(command, {
    examples: [['sheaf rebuild cancel 7', 'call off task 7']],
    seeAlso: ['sheaf rebuild list', 'sheaf job cancel'],
  });
}

function parseId(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) {
    throw new InvalidArgumentError('A task is named by its number: see sheaf rebuild list --waiting.');
  }
  return Number(text);
}

function oneOf<const T extends string>(words: readonly T[]) {
  return (text: string): T => {
    const found = words.find((each) => each === text);
    if (found === undefined) throw new InvalidArgumentError(`Expected one of ${words.join(', ')}.`);
    return found;
  };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 1000)
    throw new InvalidArgumentError('Expected a number from 1 to 1000.');
  return count;
}
