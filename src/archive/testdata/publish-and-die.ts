/** Publishes a toy archive's suite and is killed at the given step: DIRECTORY DATABASE-URL STEP TIME [SETTINGS]. */
import { faultyDb, faultyFiles, Faults } from '../../../test/faults.ts';
import { toyDeps } from '../../../test/toy-archive.ts';
import { connect } from '../../db/connect.ts';
import type { Suite } from '../../model/distribution.ts';
import { publishSuite } from '../mod.ts';

const [directory, url, step, time, settings = '{}'] = process.argv.slice(2) as [string, string, string, string];
const { db, pool, close } = connect(url);
const faults = new Faults(Number(step), 'kill');
const deps = toyDeps(directory, db, JSON.parse(settings) as Partial<Suite>);
const faulty = { ...deps, db: faultyDb(pool, faults), files: faultyFiles(deps.files, faults) };
await publishSuite(faulty, 'stable', new Date(time));
await close();
