/** The program `sheaf`: reads the command line, runs one command, says how it ended by its exit code. */
import { exitCodeOf, endQuietlyOnClosedPipe } from './exit.ts';
import { printError } from './failure.ts';
import { buildProgram, greedyOption, namedCommand } from './program.ts';

endQuietlyOnClosedPipe();
const words = process.argv.slice(2);
const program = buildProgram();
try {
  await program.parseAsync();
} catch (error) {
  const [command, greedy] = [namedCommand(program, words), greedyOption(program, words)];
  printError(error, { json: wantsJson(), command, greedy });
  process.exitCode = exitCodeOf(error);
}

/** Known before the command line is parsed, since parsing may be what fails. */
function wantsJson(): boolean {
  const end = words.indexOf('--');
  return (end === -1 ? words : words.slice(0, end)).includes('--json');
}
