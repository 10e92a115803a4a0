/** Stores version after version, with a compaction now and then, and says which are stored, until it is killed. */
import { openIndexStore } from '../store.ts';
import { ToySuite } from './toy-suite.ts';

const [directory = '', seed = '1'] = process.argv.slice(2);
const store = await openIndexStore(directory);
const suite = new ToySuite(Number(seed), 200);
let last = suite.now();
for (let round = 1; ; round++) {
  const next = suite.change(7);
  await store.put(next.bytes, { sha256: next.sha256, split: 'stanzas', successorOf: last.sha256 });
  process.stdout.write(`${next.sha256}\n`);
  if (round % 5 === 0) await store.compact();
  last = next;
}
