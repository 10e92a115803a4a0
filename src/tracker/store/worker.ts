/** Workers. */
import type { Selectable } from 'kysely';

import type { Db } from '../../db/connect.ts';
import type { WorkerTable } from '../../db/schema.ts';
import { bound } from './bound.ts';

export type WorkerRow = Selectable<WorkerTable>;

export async function readWorkers(db: Db): Promise<WorkerRow[]> {
  return db.selectFrom('worker').selectAll().orderBy('name').limit(bound).execute();
}
