/** Small wording shared by the read models' sentences. */

/** `1 reason`, `3 reasons`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** A recorded reason as a sentence: one full stop at the end. Its first word may be a name and stays as it is. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

const origins: Readonly<Record<string, string>> = {
  cli: 'by hand with sheaf intake',
  hook: 'by the post-receive hook',
  generic: 'by a webhook',
  gitlab: "by GitLab's webhook",
  github: "by GitHub's webhook",
  forgejo: "by Forgejo's webhook",
};

/** Who told us of a tag, as the end of "reported …". */
export function reportedBy(origin: string): string {
  return origins[origin] ?? `by ${origin}`;
}

const kinds = { openpgp: 'OpenPGP', ssh: 'SSH' } as const;

export function keyKind(kind: keyof typeof kinds): string {
  return kinds[kind];
}

/** What a job makes. */
export function purpose(job: {
  readonly kind: 'source' | 'binary';
  readonly builds: string;
  readonly architecture: string;
}) {
  if (job.kind === 'source') return 'source package';
  if (job.builds === 'all') return 'architecture-independent packages';
  return `binary packages for ${job.architecture}${job.builds === 'any+all' ? ' and all' : ''}`;
}

const faults = {
  package: "the package's fault",
  environment: "the environment's fault",
  worker: "the worker's fault",
} as const;

export function faultWords(fault: keyof typeof faults): string {
  return faults[fault];
}

/** `2026-11-21 03:04:05 UTC`. */
export function utc(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
