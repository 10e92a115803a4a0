import assert from 'node:assert/strict';
import { createReadStream, type ReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import test from 'node:test';

import { aptClient } from '../../test/apt-client.ts';
import { mirrorWorld, someMirror } from '../../test/mirror-world.ts';
import { doubleCredentials, s3Double } from '../../test/s3-double.ts';
import { folderTarget } from '../plumbing/mirror-target/folder.ts';
import { s3Target } from '../plumbing/mirror-target/s3.ts';
import { pushMirror } from './push-mirror.ts';

type Answer = { readonly modified: Date; readonly size: number; readonly send: () => ReadStream | Buffer };

/** What any static server does: files, their times, and 304. */
async function serveStatically(find: (path: string) => Promise<Answer | undefined>) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, 'http://x').pathname));
    void find(path).then(
      (found) => {
        const modified = found?.modified.toUTCString();
        if (found === undefined) return response.writeHead(404).end();
        if (request.headers['if-modified-since'] === modified) return response.writeHead(304).end();
        response.writeHead(200, { 'content-length': found.size, 'last-modified': modified });
        const body = found.send();
        return Buffer.isBuffer(body) ? response.end(body) : body.pipe(response);
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const fromFolder =
  (folder: string) =>
  async (path: string): Promise<Answer | undefined> => {
    const file = join(folder, path);
    const facts = await stat(file).catch(() => undefined);
    if (facts?.isFile() !== true) return undefined;
    return { modified: facts.mtime, size: facts.size, send: () => createReadStream(file) };
  };

for (const kind of ['folder', 'bucket'] as const) {
  test(`apt that updates all the time from a ${kind} sees one consistent suite while pushes go on`, async () => {
    const world = await mirrorWorld();
    const scratch = await mkdtemp(join(tmpdir(), 'sheaf-mirror-'));
    const double = await s3Double();
    const apt = await aptClient();
    const times = new Map<string, Date>();
    double.onPut((key) => times.set(key, new Date()));
    const fromBucket = (path: string): Promise<Answer | undefined> => {
      const object = double.objects.get(path.slice(1));
      const modified = times.get(path.slice(1)) ?? new Date();
      return Promise.resolve(object && { modified, size: object.bytes.length, send: () => object.bytes });
    };
    const settings = { url: double.url, region: 'us-east-1', credentials: doubleCredentials, now: () => new Date() };
    const target = kind === 'folder' ? folderTarget(scratch) : s3Target(settings);
    const server = await serveStatically(kind === 'folder' ? fromFolder(scratch) : fromBucket);
    let going = true;
    let pushes = Promise.resolve();
    try {
      const deps = world.deps(target);
      const push = () => pushMirror(deps, someMirror, { verify: false, delete: false });
      await world.publish();
      await push();
      await apt.use(
        `Types: deb deb-src\nURIs: ${server.url}\nSuites: stable\nComponents: main\nSigned-By: ${join(world.root, 'key.asc')}\n`,
      );
      pushes = (async () => {
        for (let round = 0; round < 12 && going; round += 1) {
          await world.publish();
          await push();
        }
        going = false;
      })();
      let updates = 0;
      const versions = new Set<string>();
      while (going) {
        const update = await apt.run('apt-get', 'update', '-o', 'Acquire::Check-Date=false', '--error-on=any');
        assert.equal(update.code, 0, update.output);
        const shown = await apt.run('apt-cache', 'madison', 'alpha', 'libbeta++');
        const seen = new Set([...shown.output.matchAll(/\| +(1:\d+\+x~1) \|/g)].map((match) => match[1]));
        assert.equal(seen.size, 1, shown.output);
        for (const version of seen) versions.add(version!);
        // What it was told of can be had.
        const download = await apt.run('apt-get', 'download', 'alpha');
        assert.equal(download.code, 0, download.output);
        updates += 1;
      }
      await pushes;
      assert.ok(updates >= 3 && versions.size >= 2, `${updates} updates, ${versions.size} versions`);
    } finally {
      going = false;
      await pushes.catch(() => {});
      await server.close();
      await apt.close();
      await double.close();
      await world.close();
      await rm(scratch, { recursive: true });
    }
  });
}
