/** An upstream in the middle of its year: snapshots, looks, refusals, an alarm. For tests, and to look at the pages. */
import type { Db } from '../src/db/connect.ts';
import { recordSnapshot, type HistoryDeps } from '../src/history/mod.ts';
import { sha256 } from '../src/kit/digest.ts';
import type { Upstream } from '../src/model/distribution.ts';
import type { IndexContent, IndexKind } from '../src/model/index-history.ts';
import { parseArchitecture, parseLabel, parseSnapshotId, snapshotTime } from '../src/model/names.ts';
import { recordCheck, type UpstreamCheck } from '../src/sync/mod.ts';

export function seedUpstream(name: string, changes: Partial<Upstream> = {}): Upstream {
  return {
    name: parseLabel(name),
    url: 'http://deb.example.org/debian',
    suites: ['trixie', 'sid'],
    components: ['main'],
    keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
    architectures: ['amd64'].map(parseArchitecture),
    sources: true,
    contents: true,
    translations: [],
    expired: 'refuse',
    every: 3_600_000,
    ...changes,
  };
}

export const seedUpstreams = new Map(
  [seedUpstream('debian'), seedUpstream('partner', { suites: ['stable'], contents: false, every: undefined })].map(
    (each) => [each.name, each],
  ),
);

type SeedPackage = {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
  readonly source?: string;
  /** Other fields of its stanza. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Tells two contents of one version apart. */
  readonly bytes?: string;
};

const usual = { Maintainer: 'Ann Example <ann@example.org>' };

/** A stanza of Packages as a Debian mirror has it. */
function binary(each: SeedPackage): string {
  const { name, version, architecture = 'amd64', source } = each;
  const file = `${name}_${version}_${architecture}.deb`;
  return [
    `Package: ${name}`,
    ...(source === undefined ? [] : [`Source: ${source}`]),
    `Version: ${version}`,
    'Installed-Size: 1024',
    `Architecture: ${architecture}`,
    ...Object.entries({ ...usual, Description: `what ${name} is for`, ...each.fields }).map(
      ([field, value]) => `${field}: ${value}`,
    ),
    'Section: misc',
    'Priority: optional',
    `Filename: pool/main/${name.slice(0, 1)}/${source ?? name}/${file}`,
    'Size: 53080',
    `SHA256: ${sha256(file + (each.bytes ?? ''))}`,
    '\n',
  ].join('\n');
}

function source(name: string, version: string, binaries: readonly string[]): string {
  const files = [`${name}_${version}.dsc`, `${name}_${version}.orig.tar.xz`, `${name}_${version}.debian.tar.xz`];
  return [
    `Package: ${name}`,
    'Format: 3.0 (quilt)',
    `Binary: ${binaries.join(', ')}`,
    'Architecture: any',
    `Version: ${version}`,
    'Maintainer: Ann Example <ann@example.org>',
    'Build-Depends: debhelper-compat (= 13), texinfo <!nodoc>, libc6-dev [amd64 arm64] | libc-dev',
    'Standards-Version: 4.7.0',
    'Checksums-Sha256:',
    ...files.map((file) => ` ${sha256(file)} ${1000 + file.length} ${file}`),
    `Homepage: https://www.example.org/${name}`,
    `Directory: pool/main/${name.slice(0, 1)}/${name}`,
    'Section: misc',
    '\n',
  ].join('\n');
}

const libc = (version: string) =>
  binary({
    name: 'libc6',
    version,
    source: 'glibc',
    fields: {
      'Multi-Arch': 'same',
      Depends: 'libgcc-s1',
      Recommends: 'libidn2-0 (>= 2.0.5~)',
      Breaks: 'hello (<< 2.9)',
      Homepage: 'https://www.gnu.org/software/libc/',
      Description:
        'GNU C Library: Shared libraries\n Contains the standard libraries that are used by nearly all programs on\n the system.\n .\n The second paragraph of it.',
    },
  });

const hello = (version: string, bytes = '') =>
  binary({
    name: 'hello',
    version,
    bytes,
    fields: {
      Depends: 'libc6 (>= 2.38), default-mta | mail-transport-agent:any',
      Conflicts: 'hello-traditional',
      Homepage: 'https://www.gnu.org/software/hello/',
    },
  });

const mailers = ['exim4-daemon-light', 'postfix'].map((name) =>
  binary({
    name,
    version: '3.1-1',
    source: 'mailers (3.1)',
    fields: { Provides: 'mail-transport-agent', Depends: 'libc6' },
  }),
);

/** Everything that an archive may say to break a page. */
export const hostile = binary({
  name: 'hostile',
  version: '1.0~b1',
  fields: {
    Homepage: 'javascript:alert(1)',
    Depends: '<script>alert(1)</script>, "&quot;',
    Maintainer: `\u202e<img src=x onerror=alert(1)> ${'very long '.repeat(2000)}`,
    Description: `</p><script>alert(2)</script>\n ${'x'.repeat(50_000)}`,
  },
});

type SeedIndex = { readonly path: string; readonly kind: IndexKind; readonly text: string };

const packages = (...stanzas: readonly string[]): SeedIndex => ({
  path: 'main/binary-amd64/Packages',
  kind: 'packages',
  text: stanzas.join(''),
});
const sources = (...stanzas: readonly string[]): SeedIndex => ({
  path: 'main/source/Sources',
  kind: 'sources',
  text: stanzas.join(''),
});
const contents: SeedIndex = {
  path: 'main/Contents-amd64',
  kind: 'contents',
  text: [
    'usr/bin/hello                                           misc/hello',
    'usr/lib/x86_64-linux-gnu/libc.so.6                      misc/libc6',
    'usr/sbin/sendmail                                       misc/exim4-daemon-light,misc/postfix',
    'usr/share/doc/hello/changelog.Debian.gz                 misc/hello',
    '',
  ].join('\n'),
};

async function snapshot(
  history: HistoryDeps,
  origin: string,
  suite: string,
  id: string,
  indexes: readonly SeedIndex[],
) {
  const kept: IndexContent[] = [];
  for (const { path, kind, text } of indexes) {
    const bytes = new TextEncoder().encode(text);
    const digest = sha256(bytes);
    await history.store.put(bytes, { sha256: digest, split: kind === 'contents' ? 'lines' : 'stanzas' });
    const architecture = kind === 'sources' ? 'source' : 'amd64';
    kept.push({ path, kind, component: 'main', architecture, sha256: digest, size: bytes.length });
  }
  const snapshotId = parseSnapshotId(id);
  const release = new TextEncoder().encode(`Origin: ${origin}\nSuite: ${suite}\nDate: ${id}\n`);
  await history.store.put(release, { sha256: sha256(release), split: 'lines' });
  await recordSnapshot(history, {
    ...{ origin, suite, snapshotId, indexes: kept },
    codename: suite,
    validUntil: new Date(snapshotTime(snapshotId).getTime() + 7 * 86_400_000),
    seenAt: new Date(snapshotTime(snapshotId).getTime() + 600_000),
    release: sha256(release),
    signedBy: origin === '' ? [] : ['4CB50190207B4758A3F73A796ED0E7B82643E131'],
  });
}

async function look(db: Db, at: string, check: Partial<UpstreamCheck> & Pick<UpstreamCheck, 'outcome' | 'message'>) {
  const startedAt = new Date(at);
  await recordCheck(db, {
    ...{ upstream: 'debian', suite: 'trixie', code: undefined, snapshotId: undefined, release: undefined, bytes: 0 },
    ...{ startedAt, finishedAt: new Date(startedAt.getTime() + 2300) },
    ...check,
  });
}

export async function seedHistory(history: HistoryDeps): Promise<void> {
  const { db } = history;
  const helloSource = (version: string) => source('hello', version, ['hello']);
  const glibc = source('glibc', '2.41-12', ['libc6', 'libc6-dev']);
  const trixie = (id: string, ...indexes: SeedIndex[]) => snapshot(history, 'debian', 'trixie', id, indexes);
  await trixie('20260801T081500Z', packages(hello('2.10-3'), libc('2.41-11')), sources(helloSource('2.10-3')));
  await trixie(
    '20260912T075541Z',
    packages(hello('2.10-4'), libc('2.41-11'), ...mailers),
    sources(helloSource('2.10-4'), glibc),
    contents,
  );
  await trixie(
    '20261003T090000Z',
    packages(hello('2.10-5'), hostile, libc('2.41-12'), ...mailers),
    sources(helloSource('2.10-5'), glibc),
    contents,
  );
  await trixie(
    '20261115T090000Z',
    packages(hello('2.10-5', 'other bytes'), hostile, libc('2.41-12'), ...mailers),
    sources(helloSource('2.10-5'), glibc),
    contents,
  );
  const sid = (id: string, ...indexes: SeedIndex[]) => snapshot(history, 'debian', 'sid', id, indexes);
  await sid('20260820T020000Z', packages(hello('2.11-1'), libc('2.42-1')), sources(helloSource('2.11-1'), glibc));
  await sid('20261120T020000Z', packages(hello('2.12-1'), libc('2.42-1')), sources(helloSource('2.12-1'), glibc));
  await snapshot(history, '', 'stable', '20261121T093000Z', [packages(hello('2.10-3+field1'))]);
  await look(db, '2026-11-15T09:10:00Z', {
    outcome: 'new',
    message: 'It has a new version, 20261115T090000Z: 1 package altered.',
    snapshotId: parseSnapshotId('20261115T090000Z'),
    bytes: 9_400_000,
  });
  await look(db, '2026-11-20T09:10:00Z', {
    outcome: 'refused',
    code: 'release-replayed',
    message: 'Its Release file of 20261003T090000Z is older than the one of 20261115T090000Z that was seen before.',
  });
  await look(db, '2026-11-21T09:10:00Z', { outcome: 'unchanged', message: 'There is nothing new.', bytes: 140_000 });
  await look(db, '2026-11-21T09:11:00Z', {
    ...{ suite: 'sid', outcome: 'failed', code: 'mirror-unreachable' },
    message: 'The mirror does not answer: connection refused. It is looked at again in an hour.',
  });
}
