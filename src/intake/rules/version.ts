/** Rules on the version: it fits the tag, grows, and means one thing for ever. */
import { compareVersions } from '../../formats/deb/version.ts';
import { formatTagName, versionOfTagName } from '../../formats/git/mod.ts';
import { changelogOf, identityOf, type Rule } from '../facts.ts';
import { quote, refuse } from '../refusal.ts';

export const tagVersionMismatch: Rule = (facts) => {
  const { notice, distribution } = facts;
  const entry = changelogOf(facts);
  if (entry === undefined) return undefined;
  const expected = formatTagName(distribution.git.tagFormat, entry.version);
  if (notice.tag === expected) return undefined;
  const meant = versionOfTagName(distribution.git.tagFormat, notice.tag);
  const says =
    meant === undefined
      ? `does not fit the format "${distribution.git.tagFormat}"`
      : `stands for the version ${quote(meant)}`;
  return refuse(
    'tag-version-mismatch',
    `The tag ${quote(notice.tag)} ${says}; debian/changelog says ${quote(entry.version)}.`,
    `Tag this version as ${expected}, or correct the changelog.`,
  );
};

export const versionNotGreater: Rule = (facts, { suiteVersions }) => {
  const identity = identityOf(facts);
  if (identity === undefined || facts.suite === undefined) return undefined;
  // A suite of all versions takes any that it does not have.
  const against =
    facts.suite.versions === 'all'
      ? suiteVersions.filter((each) => compareVersions(each, identity.version) === 0)
      : suiteVersions;
  const highest = against.toSorted(compareVersions).at(-1);
  if (highest === undefined || compareVersions(identity.version, highest) > 0) return undefined;
  return refuse(
    'version-not-greater',
    `${identity.source} ${identity.version} is not greater than ${highest}, which is in ${facts.suite.name}.`,
    `Add a changelog entry with a version above ${highest} (dpkg --compare-versions tells), and tag that.`,
  );
};

/** Released here or elsewhere in the suite's repository, or once admitted with another content. */
export const versionReused: Rule = (facts, { admitted, releases, isInRepository }) => {
  const identity = identityOf(facts);
  if (identity === undefined) return undefined;
  const name = `${identity.source} ${identity.version}`;
  const hint =
    'Add a changelog entry with a new version, and tag that. A suite’s own version may end in +suite1 or ~suite1.';
  if (admitted !== undefined && facts.tree !== undefined && admitted.tree !== facts.tree) {
    return refuse(
      'version-reused',
      `${name} was admitted before with other content: tree ${admitted.tree} (tag build ${admitted.tagBuild}), now ${facts.tree}.`,
      hint,
    );
  }
  const release = releases[0];
  if (release !== undefined) {
    const state = release.state === 'DONE' ? 'was released into' : 'is being built for';
    return refuse('version-reused', `${name} ${state} ${release.suite} already (tag build ${release.tagBuild}).`, hint);
  }
  return isInRepository && facts.suite !== undefined
    ? refuse('version-reused', `${name} is already in the repository ${facts.suite.repository}.`, hint)
    : undefined;
};
