/** Rules on what debian/ says. */
import { matchesArchitecture } from '../../formats/deb/architecture.ts';
import { field } from '../../formats/deb/deb822.ts';
import { isPackageName, isVersion } from '../../model/names.ts';
import { changelogOf, identityOf, type FactRule, type Rule } from '../facts.ts';
import { quote, quoteSome, refuse } from '../refusal.ts';
import { sourceFormat } from '../source-format.ts';

export const missingDebian: FactRule = ({ files, debian }) =>
  files !== undefined && files.overLimit === undefined && debian === undefined
    ? refuse(
        'missing-debian',
        'The tagged commit has no directory debian/, so it is no Debian source package.',
        'Tag the commit of the packaging branch.',
      )
    : undefined;

export const badChangelog: FactRule = (facts) => {
  const changelog = facts.debian?.changelog;
  if (changelog === undefined) return undefined;
  const hint = 'Check it with dpkg-parsechangelog.';
  if (changelog.kind === 'bad') return refuse('bad-changelog', `${changelog.reason}.`, hint);
  const { version } = changelog.value;
  if (isVersion(version)) return undefined;
  return refuse('bad-changelog', `debian/changelog has the version ${quote(version)}, which is not one.`, hint);
};

export const badControl: FactRule = (facts) => {
  const control = facts.debian?.control;
  return control?.kind === 'bad'
    ? refuse('bad-control', `${control.reason}.`, 'Correct debian/control; lintian and dpkg-source -b tell more.')
    : undefined;
};

export const badFormat: FactRule = (facts) => {
  const format = facts.debian?.format;
  if (format?.kind === 'bad') return refuse('bad-control', `${format.reason}.`, 'Write "3.0 (quilt)" into it.');
  const version = identityOf(facts)?.version;
  if (format === undefined || version === undefined) return undefined;
  const result = sourceFormat(format.value, version);
  return result.kind === 'bad' ? refuse('bad-control', result.message, result.hint) : undefined;
};

/** Such a source package would wait for its first package for ever. Those for the installer are not taken. */
export const nothingToBuild: Rule = ({ suite, debian }) => {
  if (suite === undefined || debian?.control.kind !== 'ok') return undefined;
  const packages = debian.control.value.binaries.filter(({ stanza }) => field(stanza, 'Package-Type') !== 'udeb');
  const patterns = [...new Set(packages.flatMap(({ architecture }) => architecture))];
  const isBuilt = (pattern: string) =>
    pattern === 'all' || suite.architectures.some((architecture) => matchesArchitecture(pattern, architecture));
  if (patterns.some(isBuilt)) return undefined;
  return refuse(
    'nothing-to-build',
    patterns.length === 0
      ? 'All packages of debian/control are for the installer (udeb), which no suite takes.'
      : `The packages of debian/control are for ${quoteSome(patterns, 5)}; the suite ${suite.name} has ${quoteSome(suite.architectures, 5)}.`,
    'Release into a suite that has an architecture of theirs, or add one to this suite in sheaf.toml.',
  );
};

export const badSourceName: FactRule = (facts) => {
  const name = changelogOf(facts)?.source;
  if (name === undefined) return undefined;
  if (!isPackageName(name)) {
    return refuse(
      'bad-source-name',
      `debian/changelog names the source package ${quote(name)}, which is no package name.`,
      'Package names have lower-case letters, digits, "+", "-" and ".", and begin with a letter or digit.',
    );
  }
  const control = facts.debian?.control;
  if (control?.kind !== 'ok' || control.value.name === name) return undefined;
  return refuse(
    'bad-source-name',
    `debian/changelog is of ${quote(name)}, but debian/control of ${quote(control.value.name)}.`,
    'Let both name the same source package.',
  );
};

export const missingUpstreamTag: FactRule = ({ upstream }) =>
  upstream?.kind === 'absent'
    ? refuse(
        'missing-upstream-tag',
        `No upstream tarball is known, and the tag ${quote(upstream.tag)} to make it from cannot be had: ${upstream.reason}`,
        `Push the upstream tag ${upstream.tag} ("upstream-tag-format" in sheaf.toml says how it is named).`,
      )
    : undefined;
