/**
 * Transcripts: commands and what they print, run and compared.
 *
 *     $ sheaf job show 7
 *     sheaf: Cannot show job 7: …
 *     [exit 1]
 *
 * Standard output and error are in one; a line with only `…` stands for any lines.
 */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

export type Step = { readonly command: string; readonly expected: readonly string[] };

const checkout = join(import.meta.dirname, '../../../..');

export function parseTranscript(text: string): Step[] {
  const steps: { command: string; expected: string[] }[] = [];
  for (const line of text.split('\n')) {
    const last = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), expected: [] });
    else if (last?.expected.length === 0 && line.startsWith('> ')) last.command += `\n${line.slice(2)}`;
    else last?.expected.push(line);
  }
  return steps.map(({ command, expected }) => ({ command, expected: trimEnd(expected) }));
}

export function formatTranscript(steps: readonly Step[]): string {
  return `${steps.map(({ command, expected }) => [`$ ${command.replaceAll('\n', '\n> ')}`, ...expected].join('\n')).join('\n\n')}\n`;
}

export type Session = {
  /** What a command prints, with the exit code as a last line when it is not 0. */
  readonly run: (command: string) => Promise<string[]>;
};

/** A shell in a folder. `cd` holds for the commands after it. */
export function openSession(directory: string, env: Readonly<Record<string, string>>): Session {
  let cwd = directory;
  return {
    run: async (command) => {
      const moved = /^cd (\S+)$/.exec(command);
      if (moved !== null) {
        cwd = resolve(cwd, moved[1]!);
        return [];
      }
      const { code, output } = await execute(command, cwd, env);
      const lines = trimEnd(output.split('\n'));
      return code === 0 ? lines : [...lines, `[exit ${code}]`];
    },
  };
}

function execute(command: string, cwd: string, env: Readonly<Record<string, string>>) {
  return new Promise<{ code: number | null; output: string }>((done, fail) => {
    const child = spawn('bash', ['-c', `exec 2>&1\n${command}`], {
      cwd,
      env: { ...process.env, NO_COLOR: '1', ...env, PATH: `${checkout}:${process.env['PATH']}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    child.on('error', fail);
    child.on('close', (code) => done({ code, output }));
  });
}

/** Whether lines are as expected, `…` standing for any number of them. */
export function fits(expected: readonly string[], lines: readonly string[]): boolean {
  const [first, ...rest] = expected;
  if (first === undefined) return lines.length === 0;
  if (first.trim() === '…')
    return (
      lines.length >= 0 && Array.from({ length: lines.length + 1 }).some((_, skip) => fits(rest, lines.slice(skip)))
    );
  return lines.length > 0 && lineFits(first, lines[0]!) && fits(rest, lines.slice(1));
}

/** `…` inside a line stands for any text, and several spaces for any number of them: columns are as wide as what is in them. */
function lineFits(expected: string, line: string): boolean {
  const pattern = expected
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/ {2,}/g, ' {2,}'))
    .join('.*');
  return new RegExp(`^${pattern}$`).test(line);
}

function trimEnd(lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => line.trim() !== '');
  return lines.slice(0, last + 1).map((line) => line.trimEnd());
}
