/** Who acts, as events say it: a name of sheaf.toml is a person, this is whoever has the distribution's folder. */
import { userInfo } from 'node:os';

export function commandLineActor(): string {
  return `${userName()} on the command line`;
}

/** Of this process; in a container there may be no name for its number. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid!()}`;
  }
}
