/** What an apt of our own reads instead of the host's /etc/apt; apt.conf(5), sources.list(5). */
import { join } from 'node:path';

import { SheafError } from '../../kit/error.ts';
import { formatStanza } from '../../formats/deb/deb822.ts';
import { armoredBlocks } from '../signature/armored-blocks.ts';

export type AptSource = {
  readonly url: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly keyring: string;
};

/** With what stands in the keyring. */
export type SignedSource = AptSource & { readonly keys: Buffer };

export type AptSettings = {
  readonly directory: string;
  readonly architecture: string;
  /** Further ones that packages may be of; none when not said. */
  readonly foreign?: readonly string[];
  /** The user for apt's network methods. */
  readonly user: string;
};

/** The text of apt.conf: every path private, nothing but package indexes, strong hashes. */
export function formatAptConfiguration(settings: AptSettings): string {
  const { directory } = settings;
  // apt.conf has no escapes.
  if (/["\\\n;{}]/.test(directory)) {
    throw new SheafError(
      'bad-path',
      `Cannot keep apt's state in ${directory}: the path has a character apt cannot read`,
      {
        kind: 'environment',
      },
    );
  }
  const values: readonly (readonly [string, string])[] = [
    ['Dir', `${directory}/`],
    ['Dir::Etc', `${directory}/etc/`],
    ['Dir::Etc::main', '/dev/null'],
    ['Dir::Etc::parts', '/dev/null'],
    ['Dir::Etc::sourcelist', '/dev/null'],
    ['Dir::Etc::sourceparts', `${directory}/etc/sources.list.d/`],
    ['Dir::Etc::preferences', '/dev/null'],
    ['Dir::Etc::preferencesparts', '/dev/null'],
    ['Dir::Etc::trusted', '/dev/null'],
    ['Dir::Etc::trustedparts', '/dev/null'],
    ['Dir::State', `${directory}/`],
    ['Dir::State::lists', `${directory}/lists/`],
    ['Dir::State::status', `${directory}/status`],
    ['Dir::State::extended_states', `${directory}/extended_states`],
    ['Dir::Cache', `${directory}/cache/`],
    ['Dir::Log', `${directory}/log/`],
    ['APT::Architecture', settings.architecture],
    ['APT::Install-Recommends', 'false'],
    ['APT::Install-Suggests', 'false'],
    ['APT::Build-Profiles', ''],
    ['APT::Sandbox::User', settings.user],
    ['APT::Update::Error-Mode', 'any'],
    ['Acquire::Languages', 'none'],
    ['Acquire::PDiffs', 'false'],
    ['Acquire::Retries', '3'],
    ['Acquire::http::Timeout', '30'],
    ['Acquire::https::Timeout', '30'],
    ['Acquire::ForceHash', 'SHA256'],
    ['Acquire::AllowInsecureRepositories', 'false'],
    ['Acquire::AllowDowngradeToInsecureRepositories', 'false'],
  ];
  const lines = values.map(([name, value]) => `${name} "${value}";\n`).join('');
  const architectures = [settings.architecture, ...(settings.foreign ?? [])].map((name) => `"${name}"; `).join('');
  return `${lines}APT::Architectures { ${architectures}};\n`;
}

/** The text of a `.sources` file. The keys stand in it: apt takes a path with a blank for two. */
export function formatSources(sources: readonly SignedSource[], architecture: string): string {
  return sources
    .map((source) =>
      formatStanza([
        ['Types', 'deb'],
        ['URIs', aptAddress(source.url)],
        ['Suites', source.suites.join(' ')],
        ['Components', source.components.join(' ')],
        ['Architectures', architecture],
        ['Signed-By', `\n${armorKeys(source.keys)}`],
      ]),
    )
    .join('\n');
}

/** A keyring in binary or in armored blocks as one block, since apt reads no second one (RFC 9580, 6.2). */
function armorKeys(keys: Buffer): string {
  const plain = Buffer.concat(armoredBlocks(keys)?.map(contentOf) ?? [keys]);
  const lines = plain.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN PGP PUBLIC KEY BLOCK-----', '', ...lines, '-----END PGP PUBLIC KEY BLOCK-----'].join('\n');
}

/** Headers end with an empty line, a checksum begins with "=". */
function contentOf(armored: string): Buffer {
  const [, content = ''] = /\n[ \t\r]*\n([\s\S]*?)\n(?:=|-----END)/.exec(armored) ?? [];
  return Buffer.from(content, 'base64');
}

/** Throws `bad-address` for what apt could take for two addresses or for an option. */
function aptAddress(url: string): string {
  if (!/^(?:https?|file|copy):\S+$/.test(url)) {
    throw new SheafError(
      'bad-address',
      `Cannot use ${JSON.stringify(url)} as an archive's address: expected http(s)://…`,
    );
  }
  return url.replace(/\/+$/, '');
}

/** How the names of an archive's files in apt's lists directory begin (apt-pkg's URItoFileName). */
export function listPrefix(url: string): string {
  const plain = aptAddress(url)
    .replace(/^[a-z]+:\/{0,2}/, '')
    .replace(/^[^/@]*@/, '');
  const quoted = plain.replaceAll(/[\\|{}[\]<>"^~_=!@#$%&*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `${quoted.replaceAll('/', '_')}_`;
}

export function inReleasePath(lists: string, url: string, suite: string): string {
  return suiteFilePath(lists, url, suite, 'InRelease');
}

/** Where apt keeps a file of a suite; `path` is relative to the suite's Release file. */
export function suiteFilePath(lists: string, url: string, suite: string, path: string): string {
  return join(lists, `${listPrefix(url)}dists_${`${suite}/${path}`.replaceAll('_', '%5f').replaceAll('/', '_')}`);
}
