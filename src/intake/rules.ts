/** All rules, in the order in which their refusals are shown. Each looks only at facts; all are asked, always. */
import type { Refusal } from '../model/tag-build.ts';
import type { FactRule, Facts, History, Rule } from './facts.ts';
import {
  badChangelog,
  badControl,
  badFormat,
  badSourceName,
  missingDebian,
  missingUpstreamTag,
  nothingToBuild,
} from './rules/debian.ts';
import { badAddress, badTagName, frozenSuite, troubles, unknownSuite } from './rules/notice.ts';
import { distributionMismatch, noPermission, sourceNotAllowed } from './rules/permission.ts';
import { badSignature, lightweightTag, malformedTag, movedTag, unsignedTag, wrongObject } from './rules/tag.ts';
import { overLimit, submodule, unsafePath, unsafeSymlink, upstreamMismatch } from './rules/tree.ts';
import { tagVersionMismatch, versionNotGreater, versionReused } from './rules/version.ts';

const rules: readonly Rule[] = [
  badAddress,
  badTagName,
  unknownSuite,
  frozenSuite,
  troubles,
  lightweightTag,
  malformedTag,
  unsignedTag,
  wrongObject,
  badSignature,
  movedTag,
  noPermission,
  sourceNotAllowed,
  distributionMismatch,
  missingDebian,
  badChangelog,
  badSourceName,
  badControl,
  badFormat,
  nothingToBuild,
  tagVersionMismatch,
  versionNotGreater,
  versionReused,
  missingUpstreamTag,
  upstreamMismatch,
  overLimit,
  submodule,
  unsafePath,
  unsafeSymlink,
];

/** Those that look only at the files: they hold for a tree that nobody has tagged. */
const treeRules: readonly FactRule[] = [
  missingDebian,
  badChangelog,
  badSourceName,
  badControl,
  badFormat,
  upstreamMismatch,
  overLimit,
  submodule,
  unsafePath,
  unsafeSymlink,
];

/** Every reason against the admission; none means that it is admitted. */
export function checkFacts(facts: Facts, history: History): Refusal[] {
  return rules.flatMap((rule) => rule(facts, history) ?? []);
}

/** Every reason why the files of a tree would not be admitted, whoever tagged it. */
export function checkTree(facts: Facts): Refusal[] {
  return treeRules.flatMap((rule) => rule(facts) ?? []);
}
