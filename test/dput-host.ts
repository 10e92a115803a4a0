/** Where the dput that is installed finds a server: dput 1.2, of Debian 13, forgets the port that it is given. */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { promisify } from 'node:util';

export type DputHost = { readonly host: string; readonly close: () => Promise<void> };

/** Undefined where the port that such a dput asks is not for us; it leads to that of `url` otherwise. */
export async function dputHost(url: string): Promise<DputHost | undefined> {
  const { host, hostname, port } = new URL(url);
  const { stdout } = await promisify(execFile)('dpkg-query', ['-W', '-f', '${Version}', 'dput']);
  if (/^(?:0|1\.[01])\./.test(stdout)) return { host, close: async () => {} };
  const server = createServer((incoming) => {
    const outgoing = connect(Number(port), hostname);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('error', () => outgoing.destroy());
    outgoing.on('error', () => incoming.destroy());
  });
  const address = `127.77.${randomInt(256)}.${randomInt(1, 255)}`;
  try {
    server.listen(80, address);
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const close = async () => {
    server.close();
    await once(server, 'close');
  };
  return { host: address, close };
}
