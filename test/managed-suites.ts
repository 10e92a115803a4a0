/** The toy archive with two suites, people who manage them, and two published versions of a package, behind the web. */
import { acceptBinaries, acceptSource, publishSuite, type ArchiveDeps } from '../src/archive/mod.ts';
import type { Distribution, Person } from '../src/model/distribution.ts';
import { parseLabel, parseSuiteName } from '../src/model/names.ts';
import { toyArchive, toyPackage } from './toy-archive.ts';
import { testWebDeps } from './web-deps.ts';

/** `manages` has for each person the suites, `*` for all. The suite `next` is never published. */
export async function managedSuites(manages: Readonly<Record<string, readonly string[]>>, start: Date) {
  const toy = await toyArchive();
  const stable = toy.deps.distribution.suites.get(parseSuiteName('stable'))!;
  const next = { ...stable, name: parseSuiteName('next'), codename: parseSuiteName('next') };
  const people = Object.entries(manages).map(([name, suites]) => person(name, suites));
  const distribution: Distribution = {
    ...toy.deps.distribution,
    suites: new Map([stable, next].map((suite) => [suite.name, suite])),
    people: new Map(people.map((each) => [each.name, each])),
  };
  const archive: ArchiveDeps = { ...toy.deps, distribution };
  const web = await testWebDeps(toy.database, distribution, archive);
  web.now.current = start;
  for (const version of ['1.0', '2.0']) {
    const request = await toyPackage(toy.deps.blobs, 'toy-a', version);
    await acceptSource(archive, request.source, start);
    await acceptBinaries(archive, request.binaries, start);
    await publishSuite(archive, 'stable', start);
  }
  const close = async () => {
    await web.close();
    await toy.close();
  };
  return { toy, archive, web, close };
}

function person(name: string, manages: readonly string[]): Person {
  const none = { email: undefined, openpgp: [], ssh: [], revoked: [], permissions: [] };
  return { name: parseLabel(name), fullName: name, ...none, manages };
}
