/** Real archives of reprepro and aptly go on here, under the eyes of a real apt. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { aptClient, type AptClient } from '../../../../test/apt-client.ts';
import { testDatabase } from '../../../../test/database.ts';
import { findProgram } from '../../../plumbing/process.ts';
import type { Imported } from './run.ts';
import { makeAptly, makeDeb, makeReprepro, movingServer, oldHouse, type OldHouse } from './testing/old-archives.ts';

const checkout = join(import.meta.dirname, '../../../..');

type World = {
  readonly house: OldHouse;
  readonly grove: string;
  readonly sheaf: (
    ...words: readonly string[]
  ) => Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
  readonly imported: (...words: readonly string[]) => Promise<Imported>;
};

async function open(t: TestContext): Promise<World> {
  const house = await oldHouse();
  const database = await testDatabase();
  t.after(async () => {
    await database.close();
    await house.close();
  });
  const grove = join(house.directory, 'grove');
  const env = { ...process.env, SHEAF_DATABASE_URL: database.url, SHEAF_DIR: '', NO_COLOR: '1', HOME: house.directory };
  const sheaf: World['sheaf'] = (...words) =>
    new Promise((resolve) => {
      execFile(join(checkout, 'sheaf'), ['-C', grove, ...words], { env, maxBuffer: 2 ** 26 }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 255), out, err });
      });
    });
  await new Promise<void>((resolve, reject) => {
    execFile(join(checkout, 'sheaf'), ['init', grove], { env }, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  const imported: World['imported'] = async (...words) => {
    const { code, out, err } = await sheaf('--json', 'import', ...words);
    assert.equal(code, 0, `${err}${out}`);
    return JSON.parse(out) as Imported;
  };
  return { house, grove, sheaf, imported };
}

async function runs(apt: AptClient, ...parameters: Parameters<AptClient['run']>): Promise<string> {
  const { code, output } = await apt.run(...parameters);
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, /^[WEN]: /m, output);
  return output;
}

/** What apt knows of packages, but for hashes that nobody needs. */
async function whatAptKnows(apt: AptClient, ...names: readonly string[]): Promise<string[]> {
  const shown = await runs(apt, 'apt-cache', 'show', ...names);
  return shown
    .split('\n')
    .filter((line) => !/^(?:SHA1|MD5sum|SHA512): /.test(line))
    .toSorted();
}

async function client(t: TestContext, url: string, suites: string, components: string, keyring: string) {
  const apt = await aptClient();
  t.after(apt.close);
  await apt.use(
    `Types: deb deb-src\nURIs: ${url}\nSuites: ${suites}\nComponents: ${components}\nSigned-By: ${keyring}\n`,
  );
  return apt;
}

test('sheaf import reprepro goes on with an archive, and its clients notice nothing', async (t) => {
  if ((await findProgram('reprepro')) === undefined) return t.skip('reprepro is not installed');
  const { house, grove, sheaf, imported } = await open(t);
  const base = await makeReprepro(house);
  const server = await movingServer();
  t.after(server.close);
  server.state.root = join(base, 'www');
  const apt = await client(t, server.url, 'oldstable testing', 'main', house.keyring);
  const byCodename = await client(t, server.url, 'bookworm', 'main', house.keyring);
  await runs(apt, 'apt-get', 'update');
  await runs(byCodename, 'apt-get', 'update');
  const names = ['alpha', 'alpha-doc', 'beta'];
  const before = await whatAptKnows(apt, ...names);
  const policy = await runs(apt, 'apt-cache', 'policy', ...names);
  assert.match(policy, / 100 http/, 'a suite of backports has its own priority');
  assert.ok(before.includes('Section: utils') && before.includes('Task: server'), 'the override is in the old index');

  const dry = await imported('reprepro', base, '--repository', 'old', '--dry-run');
  assert.equal(dry.kind, 'dry-run');
  assert.deepEqual(
    dry.suites.map(({ suite, from, packages, sources }) => [suite, from, packages, sources]),
    [
      ['oldstable', 'bookworm', 3, 1],
      ['testing', 'testing', 2, 0],
    ],
  );
  assert.doesNotMatch(await readFile(join(grove, 'sheaf.toml'), 'utf8'), /repository\.old/);

  const keyless = await sheaf('import', 'reprepro', base, '--repository', 'old');
  assert.equal(keyless.code, 2);
  assert.match(keyless.err, new RegExp(`gpg --armor --export-secret-keys ${house.fingerprint.slice(-16)}`));

  const done = await imported('reprepro', base, '--repository', 'old', '--key', house.secret);
  assert.equal(done.keys.believed, true);
  assert.deepEqual(done.keys.fingerprints, [house.fingerprint]);
  assert.deepEqual(
    done.suites.map((each) => [each.number, each.added, each.superseded, each.waiting, each.signedBy]),
    [
      [1, 4, [], [], [house.fingerprint]],
      [1, 2, [], [], [house.fingerprint]],
    ],
  );

  server.state.root = join(grove, 'state/archive/old');
  server.state.asked.length = 0;
  await runs(apt, 'apt-get', 'update');
  await runs(byCodename, 'apt-get', 'update');
  assert.ok(
    server.state.asked.some((path) => path.includes('/by-hash/')),
    'it has read the new indexes',
  );
  assert.deepEqual(await whatAptKnows(apt, ...names), before);
  assert.equal(await runs(apt, 'apt-cache', 'policy', ...names), policy);
  await runs(apt, 'apt-get', 'download', 'alpha', 'alpha-doc', 'beta');
  await runs(apt, 'apt-get', '--download-only', 'source', 'alpha');
  for (const path of ['pool/main/b/beta/beta_0.5-1_amd64.deb', 'pool/contrib/g/gamma/gamma_3.0_amd64.deb']) {
    const [old, now] = await Promise.all([readFile(join(base, 'www', path)), readFile(join(server.state.root, path))]);
    assert.ok(old.equals(now), path);
  }

  const again = await imported('reprepro', base, '--repository', 'old');
  assert.deepEqual(
    again.suites.map(({ number, added }) => [number, added]),
    [
      [1, 0],
      [1, 0],
    ],
  );
  assert.deepEqual(again.added, []);

  // The old archive goes on until the day of the move.
  await house.tool(
    'reprepro',
    '--silent',
    '-b',
    base,
    'includedeb',
    'bookworm',
    await makeDeb(house, { name: 'beta', version: '2:0.6-1' }),
  );
  const later = await imported('reprepro', base, '--repository', 'old');
  assert.deepEqual(
    later.suites.map(({ number, added }) => [number, added]),
    [
      [2, 1],
      [1, 0],
    ],
  );
  await runs(apt, 'apt-get', 'update');
  assert.match(await runs(apt, 'apt-cache', 'policy', 'beta'), /Candidate: 2:0\.6-1/);
});

test('sheaf import aptly takes what is published at a prefix, with several versions of a package', async (t) => {
  if ((await findProgram('aptly')) === undefined) return t.skip('aptly is not installed');
  const { house, grove, imported } = await open(t);
  const root = await makeAptly(house);
  const server = await movingServer();
  t.after(server.close);
  server.state.root = join(root, 'public/apps');
  const apt = await client(t, server.url, 'bookworm', 'main', house.keyring);
  await runs(apt, 'apt-get', 'update');
  const before = await whatAptKnows(apt, 'delta', 'epsilon');
  const done = await imported('aptly', root, '--repository', 'apps', '--key', house.secret);
  assert.deepEqual(
    done.suites.map(({ suite, packages, sources }) => [suite, packages, sources]),
    [['bookworm', 3, 1]],
  );
  const text = await readFile(join(grove, 'sheaf.toml'), 'utf8');
  assert.match(text, /\[suite\.bookworm\]\n(?:.+\n)*versions = "all"\n/);
  server.state.root = join(grove, 'state/archive/apps');
  await runs(apt, 'apt-get', 'update');
  assert.deepEqual(done.suites[0]!.superseded, []);
  assert.deepEqual(await whatAptKnows(apt, 'delta', 'epsilon'), before);
  await runs(apt, 'apt-get', 'download', 'delta=1.0', 'delta=2.0', 'epsilon');
});

test('sheaf import refuses what is not what the indexes say, all at once, and takes nothing', async (t) => {
  if ((await findProgram('reprepro')) === undefined) return t.skip('reprepro is not installed');
  const { house, grove, sheaf } = await open(t);
  const base = await makeReprepro(house);
  const pool = join(base, 'www/pool/main');
  await rm(join(pool, 'a/alpha/alpha-doc_1.0_all.deb'));
  await truncate(join(pool, 'b/beta/beta_0.5-1_amd64.deb'), 100);
  const refused = await sheaf('--json', 'import', 'reprepro', base, '--repository', 'old', '--key', house.secret);
  assert.equal(refused.code, 1);
  const report = JSON.parse(refused.out) as Imported;
  assert.equal(report.kind, 'refused');
  assert.deepEqual(
    report.problems.map(({ file, message }) => [file.split('/').at(-1), /not there|bytes/.exec(message)?.[0]]),
    [
      ['alpha-doc_1.0_all.deb', 'not there'],
      ['beta_0.5-1_amd64.deb', 'bytes'],
    ],
  );
  assert.doesNotMatch(await readFile(join(grove, 'sheaf.toml'), 'utf8'), /repository\.old/);

  // The right size and other bytes: seen when they are read.
  const gamma = join(base, 'www/pool/contrib/g/gamma/gamma_3.0_amd64.deb');
  const bytes = await readFile(gamma);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(gamma, bytes);
  const tampered = await sheaf(
    'import',
    'reprepro',
    base,
    '--repository',
    'old',
    '--suite',
    'testing',
    '--key',
    house.secret,
  );
  assert.equal(tampered.code, 1);
  assert.match(tampered.out, /gamma_3\.0_amd64\.deb: .*SHA-256/);
  assert.doesNotMatch(await readFile(join(grove, 'sheaf.toml'), 'utf8'), /repository\.old/);

  const rest = await sheaf(
    '--json',
    'import',
    'reprepro',
    base,
    '--repository',
    'old',
    '--key',
    house.secret,
    '--skip-broken',
  );
  assert.equal(rest.code, 1);
  const done = JSON.parse(rest.out) as Imported;
  assert.deepEqual(
    done.suites.map(({ suite, added }) => [suite, added]),
    [
      ['oldstable', 2],
      ['testing', 1],
    ],
  );
  assert.equal(done.problems.length, 3);

  // A version means these bytes for ever, also when the old archive says another thing the next day.
  await house.tool('reprepro', '--silent', '-b', base, 'remove', 'testing', 'alpha');
  await house.tool('reprepro', '--silent', '-b', base, 'remove', 'bookworm', 'alpha');
  await house.tool(
    'reprepro',
    '--silent',
    '-b',
    base,
    'includedeb',
    'testing',
    await makeDeb(house, { name: 'alpha', version: '1.0', content: 'other' }),
  );
  const other = await sheaf('import', 'reprepro', base, '--repository', 'old', '--suite', 'testing');
  assert.equal(other.code, 1);
  assert.match(other.out, /alpha 1\.0 \(amd64\) is here already with other bytes/);

  const index = join(base, 'www/dists/testing/main/binary-amd64/Packages');
  await writeFile(index, `${await readFile(index, 'utf8')}\n`);
  await rm(`${index}.gz`);
  const damaged = await sheaf('import', 'reprepro', base, '--repository', 'old', '--suite', 'testing');
  assert.equal(damaged.code, 1);
  assert.match(damaged.err, /Packages is not what its Release file lists/);
});
