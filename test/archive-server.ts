/** The archive's files over HTTP, as the running server gives them out, and nothing else. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { archiveFiles, type ArchiveFilesDeps } from '../src/apps/server/archive-files.ts';

export type ArchiveServer = {
  readonly url: string;
  /** Of each request its path, and when it is answered the status. */
  readonly asked: string[];
  /** At once: connections are cut, as when the machine is lost. */
  readonly close: () => Promise<void>;
};

/** `deps` are asked for with the first request: they may name the server's address. */
export async function archiveServer(deps: () => ArchiveFilesDeps): Promise<ArchiveServer> {
  const asked: string[] = [];
  let files: ReturnType<typeof archiveFiles> | undefined;
  const server = createServer((request, response) => {
    asked.push(request.url!);
    response.once('finish', () => asked.push(`${response.statusCode}`));
    files ??= archiveFiles(deps(), (_, other) => other.writeHead(404).end('a page'));
    files(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      server.close();
      server.closeAllConnections();
      if (server.listening) await once(server, 'close');
    },
  };
}
