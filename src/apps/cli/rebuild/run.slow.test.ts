/** Real rebuilds of a package that is built in a second, in a real build root, without a distribution. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { rebuildWorld, testLimits, type RebuildWorld } from '../../../../test/rebuild-world.ts';
import { hostArchitecture } from '../../../../test/small-root.ts';
import { withSharedLock } from '../../../plumbing/file-lock.ts';
import { runRebuild, type RunFlags } from './run.ts';
import { findTarget } from './target.ts';
import { tidy } from './tidy.ts';
import { lockOfBuilds } from './workshop.ts';

let world: RebuildWorld;
let folder: string;
let dated: string;
let flags: RunFlags;
/** A day that is over: no later build has the same bytes by itself. */
const clock = Date.parse('2026-03-01T12:00Z') / 1000;

before(async () => {
  world = await rebuildWorld();
  flags = { from: [], lock: world.lockFile, experiments: 6 };
  folder = await world.publish('toy', ['sleep 1', 'date +%F > README', 'locale >> README'], { clock, locale: 'POSIX' });
  dated = await world.publish('clocktoy', ['date +%F > README'], { clock });
});
after(() => world.close());

const inBuilds = async (name: string, file: string) => (await readdir(join(world.directory, name, 'builds'), { recursive: true })).filter((path) => path.endsWith(file)); // prettier-ignore
const builds = (name: string) => inBuilds(name, 'result.json');

test('runRebuild restores the day that the published file is of', async () => {
  const { result } = await runRebuild(world.workshop('clock'), dated, flags);
  assert.equal(result.verdict, 'reproduced');
  assert.equal(result.conditions['clock'], '2026-03-01T10:00:00.000Z');
  assert.equal((await builds('clock')).length, 1);
});

test('findTarget takes one .dsc of a folder that has several, with what was built of it', async () => {
  const pool = join(world.directory, 'pool');
  for (const each of [folder, dated]) await cp(each, pool, { recursive: true });
  const deps = { house: undefined, blobs: world.blobs, architecture: hostArchitecture, from: undefined };
  const { original, sources } = await findTarget(deps, join(pool, 'clocktoy_1.dsc'));
  assert.deepEqual(
    original.files.map(({ file }) => file),
    ['clocktoy_1_all.deb'],
  );
  assert.deepEqual(
    sources!.map(({ name }) => name),
    ['clocktoy_1.dsc', 'clocktoy_1.tar.xz'],
  );
  await assert.rejects(findTarget(deps, pool), { code: 'no-target', hint: /pool\/clocktoy_1\.dsc\.$/ });
});

test('runRebuild keeps no bytes a second time, and finds them all the same', async () => {
  assert.deepEqual(await inBuilds('clock', '.deb'), []);
  const output = join(world.directory, 'again');
  const { built } = await runRebuild(world.workshop('clock'), dated, { ...flags, output });
  assert.equal((await builds('clock')).length, 1);
  const deb = built.find(({ name }) => name.endsWith('.deb'))!;
  const original = await readFile(join(dated, deb.name));
  assert.deepEqual(await readFile(deb.path), original);
  assert.deepEqual(await readFile(join(output, 'files', deb.name)), original);
});

test('runRebuild builds again where a power cut left half of what is kept', async () => {
  const [made] = await builds('clock');
  await writeFile(join(world.directory, 'clock/builds', made!), '{"outcome":"bu');
  const { result } = await runRebuild(world.workshop('clock'), dated, flags);
  assert.equal(result.verdict, 'reproduced');
  assert.deepEqual(await inBuilds('clock', 'result.json'), [made]);
});

test('tidy removes builds that were not used for long, and none while a rebuild runs', async () => {
  const { directory } = world.workshop('clock');
  const ago = (days: number) => new Date(Date.now() - days * 86_400_000);
  const options = { before: ago(30), json: true };
  const made = await builds('clock');
  const before = await tidy(directory, options);
  assert.deepEqual([before.removed.count, before.kept.count, await builds('clock')], [0, 1, made]);
  await utimes(join(directory, 'builds', made[0]!), ago(40), ago(40));
  await withSharedLock(lockOfBuilds(directory), () =>
    assert.rejects(tidy(directory, options), { code: 'rebuild-running' }),
  );
  assert.deepEqual(await builds('clock'), made);
  const { removed, kept } = await tidy(directory, options);
  assert.deepEqual([removed, kept], [before.kept, before.removed]);
  assert.deepEqual(await readdir(join(directory, 'builds')), []);
  const { result } = await runRebuild(world.workshop('clock'), dated, flags);
  assert.equal(result.verdict, 'reproduced');
  assert.deepEqual(await builds('clock'), made);
});

test('a build whose clock is set finds nothing that is newer, and what it sets', async () => {
  const recipe = [
    'touch new && cp -p new copy && touch -d "1 hour" later && touch -d @1500000000 old',
    'test "$$(stat -c %Y copy) $$(stat -c %Y old)" = "$$(stat -c %Y new) 1500000000"',
    'test $$(($$(stat -c %Y later) - $$(date +%s))) -gt 3000',
    'perl -e \'die if grep { (stat)[9] > time } "new", </usr/bin/*>, </etc/*>\'',
    'stat -c %Y /etc/passwd new old | sed "s/^160.*/then/" > README',
  ];
  const published = await world.publish('timetoy', recipe, { clock: 1_600_000_000 });
  const tar = execFileSync('dpkg-deb', ['--fsys-tarfile', join(published, 'timetoy_1_all.deb')]);
  const path = './usr/share/doc/timetoy/README';
  assert.equal(execFileSync('tar', ['-xO', path], { input: tar, encoding: 'utf8' }), 'then\nthen\n1500000000\n');
});

test('runRebuild confirms that the order of files was the cause', async () => {
  const recipe = ['mkdir d', 'cd d && touch c a l b k d j e i f h g', 'ls -U d > README'];
  const listed = await world.publish('ordertoy', recipe, { clock, fileOrder: 'reversed' });
  const { result } = await runRebuild(world.workshop('order'), listed, flags);
  assert.equal(result.verdict, 'reproduced');
  assert.deepEqual(result.causes, [{ kind: 'file-order', detail: 'file-order reversed', confirmed: true }]);
});

test('runRebuild confirms that libxslt named elements in another way', async () => {
  const sheet = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><a id="{generate-id(//c)}" href="#{generate-id(//b)}"/></xsl:template></xsl:stylesheet>`;
  const recipe = [
    `echo '${sheet}' > page.xsl`,
    "echo '<a><b/><c/></a>' > page.xml",
    'xsltproc page.xsl page.xml > README',
  ];
  const page = await world.publish('pagetoy', recipe, { clock, elementIds: 'ordered' });
  const { result } = await runRebuild(world.workshop('page'), page, flags);
  assert.equal(result.verdict, 'reproduced');
  assert.deepEqual(result.causes, [
    { kind: 'dependency', detail: 'libxslt naming elements by their order', confirmed: true },
  ]);
});

test('a debhelper that is called as before 13.10 leaves changelogs whole, but for the entry of a binary-only upload', async () => {
  const entry = (version: string, day: string, more = '') =>
    `trimtoy (${version}) stable; urgency=low${more}\\n\\n  * It.\\n\\n -- T <t@toy.invalid>  ${day} 10:00:00 +0000\\n`;
  const old = ['6', '5', '4', '3', '2', '1'].map((each) => entry(`0.${each}`, `Mon, 0${each} Jan 2001`));
  const listed = async (name: string, tools: { debhelper?: string }, ...entries: readonly string[]) => {
    const recipe = [
      'cp debian/changelog kept',
      `printf '${entries.join('\\n')}' > debian/changelog`,
      'DH_COMPAT=13 dh_installchangelogs -Pdebian/listed',
      'cd debian/listed/usr/share/doc/*/ && grep -c urgency * /dev/null > $(CURDIR)/README',
      'rm -r debian/listed && mv kept debian/changelog',
    ];
    const published = await world.publish(name, recipe, { tools });
    const deb = join(published, `${name}_1_all.deb`);
    const tar = execFileSync('dpkg-deb', ['--fsys-tarfile', deb]);
    const path = `./usr/share/doc/${name}/README`;
    return execFileSync('tar', ['-xO', path], { input: tar, encoding: 'utf8' }).split('\n').slice(0, -2);
  };
  const upload = [entry('1+b1', 'Sun, 01 Mar 2026', ', binary-only=yes'), entry('1', 'Sat, 28 Feb 2026'), ...old];
  // It trims: that is what is to be undone.
  assert.deepEqual(await listed('newtrim', {}, ...upload), ['changelog:4', 'changelog.all:1']);
  assert.deepEqual(await listed('oldtrim', { debhelper: '13.9.1' }, ...upload), [
    ...['changelog:7', 'changelog.all:1'],
  ]);
  assert.deepEqual(await listed('oldwhole', { debhelper: '12.1' }, ...upload.slice(1)), ['changelog:7']);
});

test('runRebuild restores together what the published file tells of its machine', async () => {
  const recipe = ['(id -un; hostname; nproc; uname -sr; pwd; date -d @1700000000 +%H:%M%z) > README'];
  const machine = { user: 'ada', hostname: 'box', processors: 13, kernel: '5.10.0-9-amd64' };
  const told = await world.publish('toldtoy', recipe, {
    ...{ clock, ...machine, buildPath: '/root/ada/toldtoy-1', timezone: '<+0530>-5:30' },
  });
  const { result } = await runRebuild(world.workshop('told'), told, flags);
  assert.equal(result.verdict, 'reproduced');
  const { user, hostname, kernel, timezone } = result.conditions;
  assert.deepEqual([user, hostname, kernel, timezone], ['ada', 'box', '5.10.0-9-amd64', '<+0530>-5:30']);
  assert.deepEqual([result.conditions['cpu-count'], result.conditions['build-path']], ['13', '/root/ada/toldtoy-1']);
  assert.ok(result.causes.every(({ confirmed }) => confirmed));
});

test('runRebuild confirms that the locale was the cause, and does nothing twice', async () => {
  const output = join(world.directory, 'output');
  const { result } = await runRebuild(world.workshop('locale'), folder, { ...flags, output, diffoscope: true });
  assert.equal(result.verdict, 'reproduced');
  assert.equal(result.conditions['locale'], 'POSIX');
  assert.deepEqual(result.causes.map(({ kind, confirmed }) => [kind, confirmed]), [['locale', true]]); // prettier-ignore
  assert.deepEqual(JSON.parse(await readFile(join(output, 'result.json'), 'utf8')), result);
  assert.match((await world.blobs.read(result.diffoscope!)).toString(), /-LC_ALL=POSIX\n/);
  assert.match(await readFile(join(output, 'toy_1_all.deb.html'), 'utf8'), /POSIX/);
  const made = await builds('locale');
  const again = await runRebuild(world.workshop('locale'), folder, flags);
  assert.deepEqual(again.result.files, result.files);
  assert.deepEqual(await builds('locale'), made);
});

test('runRebuild goes on after it was ended in the midst of a build', async () => {
  const ending = new AbortController();
  const first = runRebuild(world.workshop('ended', { signal: ending.signal }), folder, flags);
  setTimeout(() => ending.abort(), 500);
  await assert.rejects(first);
  const { result } = await runRebuild(world.workshop('ended'), folder, { ...flags, experiments: 0 });
  assert.equal(result.verdict, 'differs');
  assert.equal((await builds('ended')).length, 1);
});

const bomb = 'bomb() { sleep 600 & bomb & bomb; }; (bomb) & exec sleep 600';
for (const [what, recipe, limit, reason] of [
  ['never ends', 'while true; do echo x; sleep 0.1; done', { wall: 2000 }, /ran longer/],
  ['says nothing any more', 'sleep 600', { silence: 1000 }, /no output|nothing/],
  ['writes too much', 'yes', { log: 10_000 }, /of output/],
  ['fills the disk', 'dd if=/dev/zero of=big bs=1M count=200; sleep 600', { disk: 50 * 2 ** 20 }, /to disk/],
  ['forks for ever', bomb, { processes: 60 }, /processes at once/],
] as const) {
  test(`runRebuild ends a build that ${what}, has the verdict failed, and does not keep that`, async () => {
    const name = Object.keys(limit)[0]!;
    const hostile = await world.replaceSource(folder, name, [recipe]);
    const limits = { ...testLimits, ...limit };
    const { result, logs } = await runRebuild(world.workshop(name, { limits }), hostile, flags);
    assert.equal(result.verdict, 'failed');
    assert.match(result.reason!, /^Over a limit: /);
    assert.match(result.reason!, reason);
    assert.deepEqual(result.causes, []);
    assert.deepEqual(result.experiments, []);
    assert.ok(existsSync(logs[0]!));
    assert.deepEqual(await builds(name), []);
  });
}
