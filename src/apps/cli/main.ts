/** The program `sheaf`: reads the command line, runs one command, says how it ended by its exit code. */
import { isEnding } from './ending.ts';
import { endOnBrokenOutput, exitCodeOf } from './exit.ts';
import { printError } from './failure.ts';
import { buildProgram, greedyOption, namedCommand } from './program.ts';

const words = process.argv.slice(2);
const program = buildProgram();
endOnBrokenOutput(fail);
try {
  await program.parseAsync();
} catch (error) {
  // What fails because the process is ending has been told.
  if (!isEnding()) fail(error);
}

function fail(error: unknown): void {
  const [command, greedy] = [namedCommand(program, words), greedyOption(program, words)];
  printError(error, { json: wantsJson(), command, greedy });
  process.exitCode = exitCodeOf(error);
}

/** Known before the command line is parsed, since parsing may be what fails. */
function wantsJson(): boolean {
  const end = words.indexOf('--');
  return (end === -1 ? words : words.slice(0, end)).includes('--json');
}
