/** Statements of other rebuilders, from files. */
import { open } from 'node:fs/promises';

import { SheafError } from '../../../kit/error.ts';
import type { Verdict } from '../../../model/rebuild.ts';
import { verifyEd25519 } from '../../../plumbing/keys.ts';
import { acceptStatement } from '../../../rebuild/mod.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { style, styleState } from '../style.ts';
import { whyUnreadable } from '../unreadable.ts';

export type AcceptedDocument = {
  readonly statements: readonly {
    readonly file: string;
    readonly rebuild?: number;
    readonly rebuilder?: string;
    readonly source?: string;
    readonly version?: string;
    readonly verdict?: Verdict;
    readonly refused?: { readonly code: string; readonly message: string; readonly hint?: string | undefined };
  }[];
};

const largest = 4 * 2 ** 20;

/** Every file has its answer: one that is refused or cannot be read stops none. Throws `no-such-file` when none can be. */
export async function acceptFiles(
  { db, blobs, distribution, clock }: Pick<House, 'db' | 'blobs' | 'distribution' | 'clock'>,
  files: readonly string[],
  actor: string,
): Promise<AcceptedDocument> {
  const deps = { db, blobs, distribution, verify: verifyEd25519, now: () => clock.now() };
  const statements: AcceptedDocument['statements'][number][] = [];
  const unreadable: SheafError[] = [];
  for (const file of files) {
    try {
      const text = await readStatementFile(file);
      const { id, rebuilder, said } = await acceptStatement(deps, text, { file, actor });
      const { source, version, verdict } = said.result;
      statements.push({ file, rebuild: id, rebuilder, source, version, verdict });
    } catch (error) {
      if (!(error instanceof SheafError) || !['refused', 'usage'].includes(error.kind)) throw error;
      if (error.kind === 'usage') unreadable.push(error);
      statements.push({
        file,
        refused: { code: error.code, message: error.message, hint: error.hint ?? hintFor(error.code) },
      });
    }
  }
  if (unreadable.length === files.length) throw unreadable[0]!;
  return { statements };
}

/** What is no statement at all. */
function hintFor(code: string): string | undefined {
  return code.startsWith('bad-') ? whatIsOne : undefined;
}

const whatIsOne = 'Statements are what sheaf rebuild show --statement prints.';

async function readStatementFile(file: string): Promise<string> {
  const bad = (state: string, cause?: unknown): SheafError =>
    new SheafError('no-such-file', `Cannot read the statement ${file}: ${state}`, {
      kind: 'usage',
      hint: whatIsOne,
      cause,
    });
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    throw bad(whyUnreadable(error), error);
  });
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw bad('it is not a file');
    if (found.size > largest) throw bad('it is larger than 4 MiB');
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

export function formatAccepted({ statements }: AcceptedDocument): string[] {
  return statements.flatMap(({ file, refused, rebuild, rebuilder, source, version, verdict }) =>
    refused === undefined
      ? [`${clean(`${file}: rebuild ${rebuild}, ${rebuilder} says of ${source} ${version}:`)} ${styleState(verdict!)}`]
      : [
          `${clean(file)}: ${style('red', 'refused')}: ${clean(refused.message)}`,
          ...(refused.hint === undefined ? [] : [clean(`  ${refused.hint}`)]),
        ],
  );
}
