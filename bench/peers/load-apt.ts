/** apt learns of suites: `apt-get update` with an empty state of its own, binary and source indexes. */
import { privateApt } from '../apt-client.ts';

export async function aptUpdate(directory: string, url: string, suites: readonly string[]): Promise<string[]> {
  const source = {
    Types: 'deb deb-src',
    URIs: url,
    Suites: suites.join(' '),
    Components: 'main',
    Architectures: 'amd64',
    'Signed-By': '/usr/share/keyrings/debian-archive-keyring.gpg',
    // The Release of a frozen mirror may have expired.
    'Check-Valid-Until': 'no',
  };
  const more = { 'APT::Architecture': 'amd64', 'Acquire::http::Proxy': 'false' };
  return ['apt-get', '--quiet', ...(await privateApt(directory, source, more)), 'update'];
}
