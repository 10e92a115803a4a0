/** A manifest of a system on this disk, or the script that makes one on another. */
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { formatManifest, readManifest, type Manifest } from '../../../device/mod.ts';
import { systemClock } from '../../../kit/clock.ts';
import { SheafError } from '../../../kit/error.ts';
import { DeviceRoot } from '../../../plumbing/device-root.ts';
import { interruptible } from '../interrupt.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { startProgress } from '../progress.ts';

type Wanted = {
  readonly root: string;
  readonly files?: true | undefined;
  readonly name?: string | true | undefined;
  readonly json: boolean;
};

/** What a command prints: the facts, and their text. */
export type Written<Facts> = {
  readonly document: Facts | (Facts & { readonly output: string });
  readonly text: string;
};

/** Throws `no-root`, and what `readManifest` throws. */
export async function readSystem({ root, files, name, json }: Wanted): Promise<Manifest> {
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw noRoot(root, found === undefined ? 'there is no such folder' : 'it is no folder');
  const progress = startProgress({ json });
  try {
    return await interruptible((signal) =>
      readManifest(new DeviceRoot(root), {
        ...{ now: systemClock.now(), files, name, signal },
        onProgress: (done, total) => progress.at('comparing files with their checksums', done, total),
      }),
    );
  } catch (error) {
    if (error instanceof SheafError && error.code === 'no-dpkg')
      throw noRoot(root, 'var/lib/dpkg/status has no package', error.code);
    throw error;
  } finally {
    progress.end();
  }
}

function noRoot(root: string, state: string, code = 'no-root'): SheafError {
  return new SheafError(code, `Cannot say what is installed in ${root}: ${state}`, {
    kind: 'usage',
    hint: 'Name the folder of a Debian system by --root DIR.',
  });
}

export async function writeManifest(wanted: Wanted, output: string | undefined): Promise<Written<Manifest>> {
  if (output !== undefined) await checkOutputFile(output);
  const manifest = await readSystem(wanted);
  return write(manifest, formatManifest(manifest), output);
}

/** The script takes `--files` and `--name` itself. */
export async function writeScript(output: string | undefined): Promise<Written<{ readonly script: string }>> {
  const script = await readFile(join(import.meta.dirname, 'manifest.sh'), 'utf8');
  return write({ script }, script, output);
}

async function write<Facts>(facts: Facts, text: string, output: string | undefined): Promise<Written<Facts>> {
  if (output === undefined) return { document: facts, text };
  const file = resolve(output);
  await writeOutputFile(file, text);
  return { document: { ...facts, output: file }, text: `${file}\n` };
}
