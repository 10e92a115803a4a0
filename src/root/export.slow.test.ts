/** What becomes of the layers of a root in an archive; GNU tar reads it. */
import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { after, before, test } from 'node:test';

import { smallRoot } from '../../test/small-root.ts';
import { runChecked } from '../plumbing/process.ts';
import { createUnshareSandbox } from '../plumbing/sandbox/unshare.ts';
import { exportTar, type ExportOptions } from './export.ts';

const sandbox = createUnshareSandbox();
const hour = 3600_000;
const limits = { wall: hour, silence: hour, memory: 2 ** 30, disk: 2 ** 30, log: 2 ** 20, processes: 100 };
const long = `${'d'.repeat(90)}/${'f'.repeat(90)}`;
let directory: string;
let layers: readonly string[];
let changed: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-export-'));
  ({ layers } = await smallRoot());
  const script = `cd /srv; rm /etc/issue; rm -r /etc/skel; mkdir /etc/skel; echo new >/etc/skel/new; rm -r /etc/init.d; echo file >/etc/init.d
    echo content >b; ln b a; ln b c; mkfifo -m 600 fifo; perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un("socket"))'
    touch -d @1000000000 old; touch -d @4000000000 future; mkdir ${'d'.repeat(90)}; echo x >${long}; ln -s ${long} link; echo x >'ü \\'
    chown 12:34 old; chmod 4751 old
    perl -MPOSIX -e '($file, $name) = ("b", "system.posix_acl_access"); $list = pack("L(SSL)5", 2, 1, 6, -1, 2, 4, 7, 4, 4, -1, 16, 4, -1, 32, 4, -1);
      syscall((uname())[4] eq "x86_64" ? 188 : 5, $file, $name, $list, length $list, 0) == 0 || die $!' `;
  const outcome = await sandbox.run({
    ...{ layers, scratch: join(directory, 'scratch'), binds: [], argv: ['sh', '-ec', script], limits },
    ...{ env: { PATH: '/usr/bin:/bin' }, cwd: '/', user: { uid: 0, gid: 0 }, network: 'none', hostname: 'h' },
  });
  assert.equal(outcome.kind === 'exited' && outcome.code, 0);
  changed = join(directory, 'scratch/upper');
});
after(async () => sandbox.remove(directory));

async function list(name: string, options: Pick<ExportOptions, 'layers' | 'kind'>): Promise<string[]> {
  const file = join(directory, name);
  const output = createWriteStream(file);
  await exportTar(sandbox, { ...options, newest: 2_000_000_000, scratch: join(directory, `${name}-scratch`) }, output);
  await finished(output);
  const words = [
    'tar',
    '--list',
    '--verbose',
    '--numeric-owner',
    '--full-time',
    '--quoting-style=literal',
    '--file',
    file,
  ];
  return (await runChecked(words as [string])).trimEnd().split('\n');
}

/** `-rwsr-x--x 12/34 0 2001-09-09 01:46:40 ./srv/old` with one space between the words. */
const find = (lines: readonly string[], name: string) =>
  lines.map((line) => line.replaceAll(/ +/g, ' ')).find((line) => line.split(' ').slice(5).join(' ').startsWith(name));

test('exportTar writes owners, times no newer than allowed, links, long names, and no sockets', async () => {
  const lines = await list('merged.tar', { layers: [changed, ...layers], kind: 'merged' });
  assert.equal(find(lines, './srv/old'), '-rwsr-x--x 12/34 0 2001-09-09 01:46:40 ./srv/old');
  assert.equal(find(lines, './srv/future'), '-rw-r--r-- 0/0 0 2033-05-18 03:33:20 ./srv/future');
  assert.match(find(lines, './srv/a')!, /^-.* \.\/srv\/a$/);
  assert.match(find(lines, './srv/b')!, /^h.* \.\/srv\/b link to \.\/srv\/a$/);
  assert.match(find(lines, './srv/c')!, /^h.* \.\/srv\/c link to \.\/srv\/a$/);
  assert.match(find(lines, './srv/fifo')!, /^prw-------/);
  assert.match(find(lines, './srv/link')!, new RegExp(` -> ${long}$`));
  assert.ok(find(lines, `./srv/${long}`) !== undefined && find(lines, './srv/ü \\') !== undefined);
  assert.equal(find(lines, './srv/socket'), undefined);
  assert.ok((await readFile(join(directory, 'merged.tar'))).includes('SCHILY.xattr.system.posix_acl_access=\u0002'));
});

test('exportTar merges layers as the overlay shows them, sorted by the bytes of the path', async () => {
  const lines = await list('order.tar', { layers: [changed, ...layers], kind: 'merged' });
  for (const gone of ['./etc/issue ', './etc/skel/.bashrc', './etc/init.d/']) {
    assert.ok(!lines.some((line) => `${line} `.includes(gone)), gone);
  }
  assert.ok(
    lines.some((line) => line.endsWith('./etc/skel/new')) && lines.some((line) => line.endsWith('./etc/passwd')),
  );
  const paths = lines.map((line) => /(?<= )\.\/.*?(?= -> | link to |$)/.exec(line)![0].replace(/(?<=.)\/$/, ''));
  assert.deepEqual(
    paths,
    paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  );
});

test('exportTar writes what one layer changes, with the signs for what it removed', async () => {
  const lines = await list('layer.tar', { layers: [changed], kind: 'layer' });
  const names = new Set(lines.map((line) => line.split(' ').at(-1)));
  for (const name of ['./etc/.wh.issue', './etc/skel/.wh..wh..opq', './etc/skel/new', './etc/init.d']) {
    assert.ok(names.has(name), name);
  }
  assert.ok(!names.has('./etc/passwd'));
});
