/** Rules on the notification itself: they hold without a look at the repository. */
import { formatTagName, parseGitAddress, tagNameProblem } from '../../formats/git/mod.ts';
import type { Facts, Rule } from '../facts.ts';
import { quote, quoteSome, refuse } from '../refusal.ts';

export const badAddress: Rule = ({ notice, troubles }) => {
  const address = parseGitAddress(notice.repository);
  // Whoever fetched has said it already, and knows more.
  if (address.kind !== 'bad' || troubles.some((trouble) => trouble.code === 'bad-address')) return undefined;
  return refuse(
    'bad-address',
    `The address ${quote(notice.repository)} may not be fetched: ${address.reason}.`,
    'Use an https, ssh or git address that git.addresses in sheaf.toml allows, or a repository below git.directories.',
  );
};

export const badTagName: Rule = ({ notice, distribution }) => {
  const problem = tagNameProblem(notice.tag);
  if (problem === undefined) return undefined;
  const example = formatTagName(distribution.git.tagFormat, '1.0-1');
  return refuse(
    'bad-tag-name',
    `The tag name ${quote(notice.tag)} is refused: ${problem}.`,
    `Name tags like ${example}.`,
  );
};

export const unknownSuite: Rule = ({ notice, distribution, suite }) => {
  if (suite !== undefined) return undefined;
  const known = [...distribution.suites.keys()];
  return refuse(
    'unknown-suite',
    `There is no suite ${quote(notice.suite)}.`,
    known.length === 0 ? 'Add a suite to sheaf.toml.' : `Name one of ${quoteSome(known, 10)}.`,
  );
};

export const frozenSuite: Rule = ({ suite, now }, { freeze }) => {
  if (suite?.endOfLife !== undefined && suite.endOfLife <= now) {
    return refuse(
      'suite-frozen',
      `The suite ${suite.name} came to the end of its life on ${suite.endOfLife.toISOString().slice(0, 10)}: it takes no new packages.`,
      'Release into another suite, or set a later end-of-life for it in sheaf.toml.',
    );
  }
  if (suite?.frozen === true) {
    return refuse(
      'suite-frozen',
      `The suite ${suite.name} is frozen: it takes no new packages.`,
      'Release into another suite, or set frozen = false for it in sheaf.toml.',
    );
  }
  if (suite === undefined || freeze === undefined) return undefined;
  const why = freeze.reason === undefined ? '' : ` (${freeze.reason})`;
  return refuse(
    'suite-frozen',
    `The suite ${suite.name} was frozen by ${freeze.by}${why}: it takes no new packages.`,
    `Release into another suite, or report the tag again after: sheaf suite thaw ${suite.name}`,
  );
};

/** What fetching and reading could not do. */
export const troubles: Rule = (facts: Facts) => facts.troubles;
