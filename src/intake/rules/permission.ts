/** Who may release what into which suite. */
import { matchesAnyGlob } from '../../kit/glob.ts';
import { changelogOf, identityOf, type Rule } from '../facts.ts';
import { quote, quoteSome, refuse } from '../refusal.ts';

export const noPermission: Rule = (facts) => {
  const { suite, report, distribution } = facts;
  const source = identityOf(facts)?.source;
  if (suite === undefined || source === undefined || report?.signer === undefined) return undefined;
  const person = distribution.people.get(report.signer);
  const may = person?.permissions.some(
    (permission) => matchesAnyGlob(permission.packages, source) && matchesAnyGlob(permission.suites, suite.name),
  );
  if (may === true) return undefined;
  return refuse(
    'no-permission',
    `${report.signer} may not release ${source} into ${suite.name}.`,
    `Ask somebody who may, or have "${source}" and "${suite.name}" added to the permissions of ${report.signer} in sheaf.toml.`,
  );
};

export const sourceNotAllowed: Rule = (facts) => {
  const source = identityOf(facts)?.source;
  if (facts.suite === undefined || source === undefined || matchesAnyGlob(facts.suite.packages, source))
    return undefined;
  return refuse(
    'source-not-allowed',
    `The suite ${facts.suite.name} takes no source package ${source}.`,
    `It takes ${quoteSome(facts.suite.packages, 5)}: see packages of the suite in sheaf.toml.`,
  );
};

export const distributionMismatch: Rule = (facts) => {
  const entry = changelogOf(facts);
  const { suite } = facts;
  if (entry === undefined || suite === undefined) return undefined;
  const wrong = entry.distributions.filter((name) => !suite.distributions.includes(name));
  if (wrong.length === 0) return undefined;
  const fitting = quoteSome(suite.distributions, 5);
  return refuse(
    'distribution-mismatch',
    `debian/changelog is for ${wrong.map(quote).join(', ')}; the suite ${suite.name} takes ${fitting}.`,
    wrong.includes('UNRELEASED')
      ? `Finish the changelog first: dch -r -D ${suite.distributions[0] ?? suite.name}.`
      : `Name one of them in the changelog’s first line, or release into the suite that it names.`,
  );
};
