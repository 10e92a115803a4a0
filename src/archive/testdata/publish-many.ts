/** Takes quick packages into a toy archive's suite and publishes it after each: DIRECTORY DATABASE-URL NAME COUNT. */
import { addQuickPackages } from '../../../test/quick-packages.ts';
import { toyDeps } from '../../../test/toy-archive.ts';
import { connect } from '../../db/connect.ts';
import { publishSuite } from '../mod.ts';

const [directory, url, name, count] = process.argv.slice(2) as [string, string, string, string];
const { db, close } = connect(url);
const deps = toyDeps(directory, db);
for (let number = 1; number <= Number(count); number++) {
  const binaries = [{ name: `${name}-${number}`, version: '1', architecture: 'amd64' }];
  const source = { name: `${name}-${number}`, version: '1', component: 'main', binaries };
  await addQuickPackages(deps, 'stable', source, new Date());
  const publication = await publishSuite(deps, 'stable', new Date());
  process.stdout.write(`${publication.kind} ${publication.number}\n`);
}
await close();
