/**
 * What one setting says about another: names that must exist, names that must differ, names that are taken.
 * Works on settings that may be wrong elsewhere, so that all problems are found at once.
 */
import { suggestion } from '../kit/spelling.ts';
import { formatFound, type Path } from '../kit/toml.ts';
import { isLabel } from '../model/names.ts';
import { at, sectionsOf, textsAt, type Raw, type Report } from './raw.ts';

/** First parts of web addresses: a repository is served at `/NAME/`. */
const reservedRepositories: readonly string[] = (
  'api hooks snapshot snapshots archive static assets health metrics keys worker ' +
  'package packages job jobs suite suites refusal refusals workers event events ' +
  'tag tags rebuild rebuilds badge tag-build tag-builds build builds repository repositories statement ' +
  'statements log logs blob blobs search about docs status robots.txt favicon.ico '
)
  .trim()
  .split(' ');

const kinds = ['upstream', 'repository', 'suite', 'person', 'webhook', 'notifier', 'mirror', 'rebuilder'] as const;

export function checkReferences(raw: Raw, report: Report): void {
  for (const kind of kinds) checkNames(raw, kind, report);
  checkSomethingThere(raw, report);
  checkSuites(raw, report);
  checkPeople(raw, report);
  checkWebhooks(raw, report);
  checkRebuilders(raw, report);
  for (const mirror of sectionsOf(raw, 'mirror')) {
    checkReference(raw, ['mirror', mirror, 'repository'], 'repository', report);
  }
}

function checkNames(raw: Raw, kind: (typeof kinds)[number], report: Report): void {
  for (const name of sectionsOf(raw, kind)) {
    if (!isLabel(name)) {
      report(
        [kind, name],
        `the name ${formatFound(name)} needs letters, digits, "-", "." and "_", the first a letter or digit`,
      );
    } else if (kind === 'repository' && reservedRepositories.includes(name.toLowerCase())) {
      report([kind, name], `the name "${name}" is taken by the web pages at /${name}/: choose another`);
    }
  }
}

function checkSomethingThere(raw: Raw, report: Report): void {
  for (const kind of ['upstream', 'repository', 'suite'] as const) {
    if (at(raw, kind) === undefined || (isTable(at(raw, kind)) && sectionsOf(raw, kind).length === 0)) {
      report([kind], `missing, expected at least one section that begins with [${kind}.NAME]`);
    }
  }
}

function checkSuites(raw: Raw, report: Report): void {
  const directories = new Map<string, string>();
  for (const suite of sectionsOf(raw, 'suite')) {
    checkReference(raw, ['suite', suite, 'repository'], 'repository', report);
    checkReference(raw, ['suite', suite, 'upstream'], 'upstream', report);

    const architectures = textsAt(raw, 'suite', suite, 'architectures').map(({ text }) => text);
    const archAll = at(raw, 'suite', suite, 'arch-all');
    if (typeof archAll === 'string' && architectures.length > 0 && !architectures.includes(archAll)) {
      report(
        ['suite', suite, 'arch-all'],
        `found "${archAll}", expected one of the suite's architectures: ${architectures.join(', ')}`,
      );
    }

    // Both names are folders below dists/ of one repository.
    const repository = at(raw, 'suite', suite, 'repository') ?? sectionsOf(raw, 'repository')[0];
    const codename = at(raw, 'suite', suite, 'codename') ?? suite;
    for (const name of new Set([suite, codename])) {
      const key = JSON.stringify([repository, name]);
      const other = directories.get(key);
      if (other === undefined) directories.set(key, suite);
      else
        report(
          ['suite', suite, 'codename'],
          `${formatFound(name)} is a name of suite "${other}" in the same repository too`,
        );
    }
  }
}

function checkPeople(raw: Raw, report: Report): void {
  const suites = sectionsOf(raw, 'suite');
  const keys = new Map<string, string>();
  for (const person of sectionsOf(raw, 'person')) {
    const permissions = at(raw, 'person', person, 'may-release');
    const count = Array.isArray(permissions) ? permissions.length : 0;
    for (let index = 0; index < count; index += 1) {
      for (const { text, path } of textsAt(raw, 'person', person, 'may-release', index, 'suites')) {
        if (text !== '*' && !suites.includes(text)) report(path, unknownName('suite', text, ['*', ...suites]));
      }
    }
    for (const { key, path } of keysOf(raw, person)) {
      const owner = keys.get(key);
      if (owner === undefined) keys.set(key, person);
      else
        report(
          path,
          `this key stands ${owner === person ? 'twice here' : `in [person.${owner}] too`}: a key is one person's, once`,
        );
    }
    checkValidity(raw, person, report);
  }
}

function keysOf(raw: Raw, person: string): { readonly key: string; readonly path: Path }[] {
  const files = textsAt(raw, 'person', person, 'openpgp').map(({ text, path }) => ({ key: `file ${text}`, path }));
  const list = at(raw, 'person', person, 'ssh');
  const lines = (Array.isArray(list) ? list : []).flatMap((entry: unknown, index) => {
    const line = typeof entry === 'string' ? entry : at({ entry }, 'entry', 'key');
    const body = typeof line === 'string' ? line.trim().split(/\s+/)[1] : undefined;
    return body === undefined ? [] : [{ key: `ssh ${body}`, path: ['person', person, 'ssh', index] }];
  });
  return [...files, ...lines];
}

function checkValidity(raw: Raw, person: string, report: Report): void {
  const list = at(raw, 'person', person, 'ssh');
  (Array.isArray(list) ? list : []).forEach((entry: unknown, index) => {
    const after = at({ entry }, 'entry', 'valid-after');
    const before = at({ entry }, 'entry', 'valid-before');
    if (after instanceof Date && before instanceof Date && after >= before) {
      report(
        ['person', person, 'ssh', index, 'valid-before'],
        'this is not later than valid-after: the key would never be valid',
      );
    }
  });
}

function checkWebhooks(raw: Raw, report: Report): void {
  for (const webhook of sectionsOf(raw, 'webhook')) checkReference(raw, ['webhook', webhook, 'suite'], 'suite', report);
}

/** One rebuilder under two names would be two words of one, and of the same key revoked and not. */
function checkRebuilders(raw: Raw, report: Report): void {
  const names = new Map<unknown, string>();
  for (const name of sectionsOf(raw, 'rebuilder')) {
    const key = at(raw, 'rebuilder', name, 'key');
    const other = names.get(key);
    if (typeof key === 'string' && other !== undefined) {
      report(['rebuilder', name, 'key'], `[rebuilder.${other}] has the same key: leave one of the two`);
    }
    names.set(key, other ?? name);
  }
}

/** A name of a section; it may be left out where there is only one. */
function checkReference(raw: Raw, path: Path, kind: 'repository' | 'upstream' | 'suite', report: Report): void {
  const found = at(raw, ...path);
  const known = sectionsOf(raw, kind);
  if (found === undefined && known.length > 1) {
    report(path, `missing, expected one of ${known.map((name) => `"${name}"`).join(', ')}, since there are several`);
  } else if (typeof found === 'string' && !known.includes(found)) {
    report(path, unknownName(kind, found, known));
  }
}

function unknownName(kind: string, found: string, known: readonly string[]): string {
  const expected = known.length === 0 ? `a section [${kind}.${found}]` : known.map((name) => `"${name}"`).join(', ');
  return `there is no ${kind} "${found}", expected ${known.length > 1 ? 'one of ' : ''}${expected}${suggestion(found, known)}`;
}

function isTable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
