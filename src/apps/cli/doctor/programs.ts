/** Programs of the host, each with the Debian package that has it. */
import { join } from 'node:path';

import { databaseAddress } from '../../database-address.ts';
import { findProgram, run } from '../../../plumbing/process.ts';
import { findPostgres, oldestMajor } from '../../../plumbing/postgres/binaries.ts';
import { asRoot, both, missing, ok, type Check, type Finding, type Role } from './finding.ts';

type Program = {
  readonly name: string;
  readonly package: string;
  readonly roles: readonly Role[];
  readonly why: string;
};

const programs: readonly Program[] = [
  { name: 'git', package: 'git', roles: ['server'], why: 'fetches tags' },
  { name: 'apt-get', package: 'apt', roles: ['server'], why: 'solves build dependencies' },
  { name: 'flock', package: 'util-linux', roles: both, why: 'keeps programs from disturbing one another' },
  { name: 'xz', package: 'xz-utils', roles: ['server'], why: 'makes the compressed indexes of upstreams again' },
  { name: 'bzip2', package: 'bzip2', roles: ['server'], why: 'reads and makes indexes that end in .bz2' },
  { name: 'prlimit', package: 'util-linux', roles: ['server'], why: 'bounds what git may take' },
  { name: 'perl', package: 'perl-base', roles: ['worker'], why: 'starts sandboxes' },
  { name: 'dpkg-deb', package: 'dpkg', roles: ['worker'], why: 'unpacks packages into build environments' },
  { name: 'tar', package: 'tar', roles: ['worker'], why: 'unpacks packages into build environments' },
];

/** Only an ordinary user needs these: root writes the maps itself. */
const forOrdinaryUsers: readonly Program[] = ['newuidmap', 'newgidmap'].map((name) => ({
  name,
  package: 'uidmap',
  roles: ['worker'],
  why: 'gives a sandbox ids of its own',
}));

/** Only root needs these: PostgreSQL does not run as root. */
const forRoot: readonly Program[] = ['unshare', 'setpriv'].map((name) => ({
  name,
  package: 'util-linux',
  roles: ['server'],
  why: 'starts PostgreSQL as another user',
}));

export const programChecks: readonly Check[] = [
  ...[...programs, ...(process.getuid?.() === 0 ? forRoot : forOrdinaryUsers)].map((program) => ({
    roles: program.roles,
    run: () => checkProgram(program),
  })),
  { roles: both, run: checkNode },
  { roles: ['server'], run: checkPostgres },
];

async function checkProgram(program: Program): Promise<Finding> {
  const found = await findProgram(program.name);
  if (found !== undefined) return ok(program.name, found);
  return missing(program.name, `not installed; it ${program.why}`, asRoot(`apt-get install ${program.package}`));
}

async function checkNode(): Promise<Finding> {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= 24) return ok('node', `${process.version} (${process.execPath})`);
  return missing('node', `${process.version} is too old: 24 or newer is needed`, './run setup');
}

async function checkPostgres(): Promise<Finding> {
  if (databaseAddress() !== undefined) {
    return ok('postgresql', 'a server of your own, by SHEAF_DATABASE_URL');
  }
  const [best] = await findPostgres();
  if (best === undefined) {
    return missing(
      'postgresql',
      `no PostgreSQL ${oldestMajor} or newer, and no bundled one`,
      asRoot('apt-get install postgresql'),
    );
  }
  const program = join(best.directory, 'bin/postgres');
  const { code, stdout } = await run([program, '--version'], { timeout: 10_000 });
  if (code !== 0) return missing('postgresql', `${program} does not start`, asRoot('apt-get install postgresql'));
  return ok('postgresql', `${stdout.toString().trim()} (${best.origin}, ${best.directory})`);
}
