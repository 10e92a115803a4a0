/** What the doctor finds. */
export type Role = 'server' | 'worker';

export type Finding = {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'missing';
  /** What is there, or what is wrong. */
  readonly message: string;
  /** The command that adds what is missing. */
  readonly fix?: string;
};

export type Check = {
  /** Who needs it. */
  readonly roles: readonly Role[];
  readonly run: () => Promise<Finding>;
};

export const both: readonly Role[] = ['server', 'worker'];

export function ok(name: string, message: string): Finding {
  return { name, state: 'ok', message };
}

export function missing(name: string, message: string, fix: string): Finding {
  return { name, state: 'missing', message, fix };
}

export function warning(name: string, message: string, fix?: string): Finding {
  return { name, state: 'warning', message, ...(fix === undefined ? {} : { fix }) };
}

/** How to run something as root here. */
export function asRoot(command: string): string {
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
}
