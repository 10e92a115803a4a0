/** `sheaf web …` */
import { InvalidArgumentError } from '@commander-js/extra-typings';

import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { teach } from './help.ts';

type Noun = ReturnType<Root['command']>;

export function addWeb(root: Root): void {
  const noun = root
    .command('web')
    .summary('people on the web pages: sign-in, sign-out, sessions, token')
    .description(
      'Lets people manage suites on the web pages and by the API. What each may do is what manages says of them in ' +
        'sheaf.toml, at every action anew.',
    );
  teach(noun, {
    examples: [
      ['sheaf web sign-in alice', 'an address that signs alice in, once'],
      ['sheaf web sessions', 'who is signed in'],
      ['sheaf web sign-out alice', 'end all of hers'],
    ],
    seeAlso: ['docs/manage-on-the-web.md', 'docs/write-a-policy.md'],
  });
  addSignIn(noun);
  addSignOut(noun);
  addSessions(noun);
  addToken(noun);
}

function addSignIn(noun: Noun): void {
  const command = noun
    .command('sign-in')
    .summary('make an address that signs a person in, once')
    .description(
      'Makes an address that signs a person of sheaf.toml in on the web, once, within 15 minutes. It is shown now and ' +
        'never again: give it to nobody else. Whoever has the distribution’s folder may make one for everybody.',
    )
    .argument('<person>', 'name of a person in sheaf.toml')
    .action(async (person, _, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { grantSignIn, formatSignIn } = await import('./web/access.ts');
        const granted = await grantSignIn(house, person);
        output.result(granted, () => formatSignIn(granted));
      });
    });
  teach(command, {
    examples: [['sheaf web sign-in alice', 'open what it prints in alice’s browser']],
    seeAlso: ['sheaf web sessions', 'docs/manage-on-the-web.md'],
  });
}

function addSignOut(noun: Noun): void {
  const command = noun
    .command('sign-out')
    .summary('end all sessions and tokens of a person')
    .description('Ends all sessions, tokens and unused addresses of a person, at once.')
    .argument('<person>', 'name of a person; also one that sheaf.toml no longer has')
    .action(async (person, _, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { endAll } = await import('./web/access.ts');
        const ended = await endAll(house, person);
        output.result({ person, ended }, () => [
          ended === 0 ? `${person} was not signed in.` : `Ended ${ended} of ${person}.`,
        ]);
      });
    });
  teach(command, {
    examples: [['sheaf web sign-out alice', 'a lost laptop']],
    seeAlso: ['sheaf web sessions'],
  });
}

function addSessions(noun: Noun): void {
  const command = noun
    .command('sessions')
    .summary('who is signed in, and tokens that are good')
    .description('Lists sessions of browsers and tokens of programs, the newest first. Their secrets are not stored.')
    .action(async (_, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { listAccess } = await import('../../access/mod.ts');
        const { formatSessions } = await import('./web/access.ts');
        const sessions = await listAccess(house.db, house.clock.now());
        output.result({ sessions }, () => formatSessions(sessions, house));
      });
    });
  teach(command, { examples: [['sheaf web sessions', 'who is signed in']], seeAlso: ['sheaf web sign-out'] });
}

function addToken(noun: Noun): void {
  const command = noun
    .command('token')
    .summary('make a token with which a program acts as a person')
    .description(
      'Makes a secret for the API: what a program sends as "Authorization: Bearer TOKEN" to do what this person may do. ' +
        'It is shown now and never again.',
    )
    .argument('<person>', 'name of a person in sheaf.toml')
    .option('--days <number>', 'how long it is good', parseDays, 30)
    .action(async (person, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { grantToken, formatToken } = await import('./web/access.ts');
        const granted = await grantToken(house, person, options.days);
        output.result(granted, () => formatToken(granted));
      });
    });
  teach(command, {
    examples: [
      ['sheaf web token alice', 'good for 30 days'],
      ['sheaf web token alice --days 7 --json | jq -r .token', 'into a secret of a pipeline'],
    ],
    seeAlso: ['sheaf web sessions', 'docs/manage-on-the-web.md'],
  });
}

function parseDays(text: string): number {
  const days = /^[1-9]\d{0,3}$/.test(text) ? Number(text) : 0;
  if (days < 1 || days > 366) throw new InvalidArgumentError('expected a number of days, 366 at most');
  return days;
}
