/**
 * lintian over the files of an upload. They may be hostile, and lintian unpacks them: so it is the host's lintian in a
 * sandbox that sees nothing of the host but its programs, has no network, and ends at limits.
 */
import { readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { z } from 'zod';

import { SheafError } from '../kit/error.ts';
import type { InputFile } from '../model/job.ts';
import type { LintianReport, LintianTag } from '../model/lintian.ts';
import type { Blobs } from './blobs.ts';
import { exists, hostProgramBinds } from './sandbox/host-programs.ts';
import type { Sandbox } from './sandbox/port.ts';
import { createUnshareSandbox } from './sandbox/unshare.ts';

const minutes = 60_000;
const limits = {
  ...{ wall: 20 * minutes, silence: 20 * minutes, memory: 2 ** 32, disk: 2 ** 34, log: 2 ** 25, processes: 500 },
};
/** What is kept of a report; the worst come first. */
const mostTags = 1000;
const mostContext = 500;

export const lintianProgram = '/usr/bin/lintian';
const script = readFileSync(new URL('lintian-start.sh', import.meta.url), 'utf8');

const severities = ['error', 'warning', 'info', 'pedantic', 'classification'] as const;
/** lintian's json output, as far as it is used; it says `hints` for what its manual calls tags. */
const output = z.object({
  lintian_version: z.string(),
  groups: z.array(
    z.object({
      input_files: z.array(
        z.object({
          path: z.string(),
          hints: z.array(
            z.object({
              tag: z.string(),
              visibility: z.string(),
              note: z.string().default(''),
              override: z.unknown().optional(),
              pointer: z.object({ item: z.object({ name: z.string() }).optional() }).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
});

/** Uploads wait for one another here: each may take gigabytes. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Looks at the `.changes`, or at every `.dsc` and `.deb` when there is none. Throws `lintian-missing` and
 * `sandbox-unavailable` (kind environment), and `lintian-failed` when lintian cannot look at these files.
 */
export async function runLintian(
  blobs: Pick<Blobs, 'bring'>,
  files: readonly InputFile[],
  sandbox: Sandbox = createUnshareSandbox(),
): Promise<LintianReport> {
  if (!(await exists(lintianProgram))) {
    throw new SheafError('lintian-missing', 'Cannot look at the upload: this machine has no lintian', {
      kind: 'environment',
      hint: 'The suite asks for it in sheaf.toml: sudo apt-get install lintian',
    });
  }
  const turn = last.then(() => lookAt(blobs, files, sandbox));
  last = turn.catch(() => {});
  return turn;
}

async function lookAt(blobs: Pick<Blobs, 'bring'>, files: readonly InputFile[], sandbox: Sandbox) {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-lintian-'));
  try {
    await chmod(directory, 0o711);
    const [inputs, empty] = [join(directory, 'inputs'), join(directory, 'empty')];
    for (const each of [inputs, empty]) await mkdir(each, { mode: 0o755 });
    for (const file of files) {
      const path = join(inputs, file.name);
      await copyFile(await blobs.bring(file.sha256), path);
      await chmod(path, 0o644);
    }
    const chunks: Uint8Array[] = [];
    const outcome = await sandbox.run({
      layers: [empty],
      scratch: join(directory, 'scratch'),
      binds: [
        ...(await hostProgramBinds(join(directory, 'etc'), 'lintian')),
        { source: inputs, target: '/inputs', readOnly: true },
      ],
      argv: ['/bin/sh', '-c', script, 'lintian', ...subjects(files)],
      env: { PATH: '/usr/bin:/usr/sbin:/bin:/sbin', HOME: '/work', LC_ALL: 'C.UTF-8', TZ: 'UTC', TMPDIR: '/work' },
      cwd: '/',
      // Only the script: lintian itself runs as an ordinary user.
      user: { uid: 0, gid: 0 },
      network: 'none',
      hostname: 'lintian',
      limits,
      onOutput: (chunk) => chunks.push(chunk),
    });
    const text = Buffer.concat(chunks).toString('utf8');
    if (outcome.kind === 'limit') throw failed(outcome.message);
    if (outcome.kind !== 'exited' || outcome.code !== 0) throw failed(text.trim().slice(-1000) || outcome.kind);
    return parseLintian(text);
  } finally {
    await sandbox.remove(directory);
  }
}

function subjects(files: readonly InputFile[]): string[] {
  const names = files.map((file) => file.name);
  const changes = names.filter((name) => name.endsWith('.changes'));
  return changes.length > 0 ? changes : names.filter((name) => /\.(?:dsc|deb)$/.test(name));
}

/** Throws `lintian-failed` for what is not lintian's json. */
export function parseLintian(text: string): LintianReport {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw failed('its output is not JSON');
  }
  const { success, data } = output.safeParse(document);
  if (!success) throw failed('its output has another form than expected');
  const tags = data.groups
    .flatMap((group) => group.input_files)
    .flatMap(({ path, hints }) =>
      hints.map((hint): LintianTag => {
        const about = hint.pointer?.item?.name ?? '';
        return {
          severity: severities.find((each) => each === hint.visibility) ?? 'classification',
          file: shorten(path.slice(path.lastIndexOf('/') + 1)),
          tag: shorten(hint.tag),
          context: shorten([hint.note, about].filter((part) => part !== '').join(' ')),
          overridden: hint.override !== undefined,
        };
      }),
    )
    // What lintian counts for statistics is nobody's fault.
    .filter(({ severity }) => severity !== 'classification');
  const rank = (tag: LintianTag) => severities.indexOf(tag.severity) + (tag.overridden ? severities.length : 0);
  return { version: data.lintian_version, tags: tags.toSorted((a, b) => rank(a) - rank(b)).slice(0, mostTags) };
}

/** Names of files inside packages may hold anything. */
function shorten(text: string): string {
  // oxlint-disable-next-line no-control-regex -- that is what is looked for
  const shown = text.toWellFormed().replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '\u{fffd}');
  return shown.length > mostContext ? `${shown.slice(0, mostContext).toWellFormed()}…` : shown;
}

function failed(reason: string): SheafError {
  return new SheafError('lintian-failed', `lintian could not look at the upload: ${reason}`);
}
