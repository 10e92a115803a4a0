/**
 * A real storage that speaks S3, and is nobody's double: Debian's OpenStack Swift, in a root of ours. The first time
 * fetches and installs its 230 packages, which takes a minute; they are kept as those of the small root are.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { S3Client } from '../src/plumbing/s3/client.ts';
import { createUnshareSandbox } from '../src/plumbing/sandbox/unshare.ts';
import { materialise } from '../src/root/mod.ts';
import { freePort } from './free-port.ts';
import { rootDeps, testLock } from './small-root.ts';
import { until } from './until.ts';

export type Swift = {
  /** What a client of a new bucket needs. */
  readonly bucket: (name: string) => Promise<SwiftBucket>;
  readonly close: () => Promise<void>;
};

export type SwiftBucket = {
  readonly url: string;
  readonly region: string;
  readonly credentials: { readonly accessKey: string; readonly secretKey: string };
  readonly now: () => Date;
};

const packages = ['swift-proxy', 'swift-object', 'swift-container', 'swift-account', 'memcached', 'python3-memcache'];
const start = join(import.meta.dirname, 'swift-start.sh');

export async function startSwift(): Promise<Swift> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-swift-'));
  const sandbox = createUnshareSandbox();
  const { layers } = await materialise(rootDeps(sandbox), await testLock('swift', packages));
  const ports = [await freePort(), await freePort(), await freePort(), await freePort(), await freePort()];
  const ending = new AbortController();
  let said = '';
  const running = sandbox.run({
    ...{ layers, scratch: join(directory, 'scratch'), hostname: 'swift', network: 'host', cwd: '/' },
    binds: [{ source: start, target: '/start.sh', readOnly: true }],
    argv: ['sh', '/start.sh'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', PORTS: ports.join(' ') },
    user: { uid: 0, gid: 0 },
    limits: { wall: 600_000, silence: 600_000, memory: 4 * 2 ** 30, disk: 2 ** 32, log: 2 ** 24, processes: 200 },
    onOutput: (chunk) => void (said += Buffer.from(chunk).toString()),
    signal: ending.signal,
  });
  const close = async () => {
    ending.abort();
    await running;
    await sandbox.remove(directory);
  };
  const settings = (name: string): SwiftBucket => ({
    ...{ url: `http://127.0.0.1:${ports[0]}/${name}`, region: 'us-east-1', now: () => new Date() },
    credentials: { accessKey: 'test:tester', secretKey: 'testing' },
  });
  try {
    await until(async () => fetch(`http://127.0.0.1:${ports[0]}`).catch(() => undefined));
  } catch (error) {
    await close();
    throw new Error(`Swift does not answer: ${said}`, { cause: error });
  }
  return {
    bucket: async (name) => {
      await new S3Client(settings(name)).call({ method: 'PUT', key: '' });
      return settings(name);
    },
    close,
  };
}
