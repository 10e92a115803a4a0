/**
 * Reads whole suites of Debian and compares every stanza, field, relation and version with what apt, dpkg and
 * python3-debian make of them:
 *
 *     ./run corpus [--suite SUITE]… [--quick] [--xz] [--update] [--json]
 *
 * `--quick` asks only apt, and leaves Contents out. `--xz` also compresses every index again by xz, half a minute each.
 * `--update` asks the mirror for newer Release files; else what is in the cache stays.
 * Exit code 1 when they disagree anywhere.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import type { Stanza } from '../../src/formats/deb/deb822.ts';
import { describeError, SheafError } from '../../src/kit/error.ts';
import { openIndex, openSuite, type CorpusIndex, type CorpusOptions } from './archive.ts';
import { checkCompression } from './check-compression.ts';
import { checkContents } from './check-contents.ts';
import { checkEntries } from './check-entries.ts';
import { checkFields, checkRewriting, checkRoundTrip } from './check-fields.ts';
import { checkRelations, collectRelations, type RelationValues } from './check-relations.ts';
import { checkTranslations } from './check-translations.ts';
import { checkVersions, collectVersions } from './check-versions.ts';
import { Findings, formatFindings } from './findings.ts';
import { askOracle } from './oracle.ts';

const { values: flags } = parseArgs({
  options: {
    suite: { type: 'string', multiple: true, default: ['bookworm', 'trixie', 'sid'] },
    quick: { type: 'boolean', default: false },
    xz: { type: 'boolean', default: false },
    update: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    mirror: { type: 'string', default: 'http://deb.debian.org/debian' },
    keyring: { type: 'string', default: '/usr/share/keyrings/debian-archive-keyring.gpg' },
  },
});

const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const options: CorpusOptions = {
  directory: join(cache, 'sheaf/corpus'),
  mirror: flags.mirror,
  keyring: flags.keyring,
  update: flags.update,
  say: (line) => process.stderr.write(`${line}\n`),
};

/** What is collected over all indexes, to be asked for once. */
type Collected = { readonly relations: RelationValues; readonly versions: Set<string> };

type Kind = 'binary' | 'source' | 'translation' | 'contents';

const indexes: readonly { readonly path: string; readonly kind: Kind }[] = [
  { path: 'main/binary-amd64/Packages', kind: 'binary' },
  { path: 'main/source/Sources', kind: 'source' },
  { path: 'main/i18n/Translation-en', kind: 'translation' },
  { path: 'main/Contents-amd64', kind: 'contents' },
];

async function main(): Promise<void> {
  const started = performance.now();
  const findings = new Findings();
  const collected: Collected = { relations: new Map(), versions: new Set() };
  for (const name of flags.suite) {
    const suite = await openSuite(options, name);
    for (const { path, kind } of indexes) {
      if (flags.quick && kind === 'contents') continue;
      const index = await openIndex(options, suite, path);
      if (index === undefined) throw new SheafError('index-missing', `Cannot check ${name}: it has no ${path}`);
      if (kind === 'contents') await checkContents(index, findings);
      else await checkStanzas(index, kind, findings, collected);
      if (kind === 'binary' || kind === 'source') {
        await checkCompression(index, suite.files, { slow: flags.xz, findings });
      }
      options.say(`${name}: ${path}, read after ${Math.round((performance.now() - started) / 1000)} s`);
    }
  }
  await checkRelations(collected.relations, findings);
  await checkVersions(collected.versions, flags.quick, findings);
  report(findings, (performance.now() - started) / 1000);
}

async function checkStanzas(
  index: CorpusIndex,
  kind: Exclude<Kind, 'contents'>,
  findings: Findings,
  collected: Collected,
): Promise<void> {
  const oracles = flags.quick ? (['apt'] as const) : (['apt', 'debian'] as const);
  // They read while we do.
  const answers = oracles.map((oracle) => askOracle([`fields-${oracle}`, index.file]));
  const stanzas: Stanza[] | undefined = checkRoundTrip(index, findings);
  if (stanzas !== undefined) {
    checkRewriting(index, stanzas, findings);
    if (kind === 'translation') {
      checkTranslations(index, findings);
    } else {
      checkEntries(index, kind, stanzas, findings);
      collectVersions(stanzas, collected.versions);
      collectRelations(`${index.suite} ${index.path}`, kind, stanzas, collected.relations);
    }
  }
  for (const [i, oracle] of oracles.entries()) {
    const answer = await answers[i]!;
    if (stanzas !== undefined) {
      checkFields(index, stanzas, { oracle: oracle === 'apt' ? 'apt' : 'python3-debian', answer }, findings);
    }
  }
}

function report(findings: Findings, seconds: number): void {
  const { kept, rows, isGood } = findings;
  for (const { check, place, message } of kept) process.stdout.write(`${place}: ${check}: ${message}\n`);
  if (kept.length > 0) process.stdout.write('\n');
  process.stdout.write(`${formatFindings(findings)}\n`);
  process.stdout.write(
    `${isGood ? 'All agree' : 'They disagree'}: ${flags.suite.join(', ')}, ${Math.round(seconds)} s\n`,
  );
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ suites: flags.suite, good: isGood, checks: rows, findings: kept })}\n`);
  process.exitCode = isGood ? 0 : 1;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`corpus: ${describeError(error)}\n`);
  if (error instanceof SheafError && error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`);
  process.exitCode = error instanceof SheafError && error.kind === 'environment' ? 3 : 1;
}
