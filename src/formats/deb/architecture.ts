/** Architecture wildcards: Debian Policy 11.1.1, dpkg-architecture(1), dpkg's tupletable. */

/**
 * Whether `wildcard` (`any`, `linux-any`, `any-amd64`, `gnu-any-any`, `amd64`) covers `architecture`. `all` covers only
 * itself. A name stands for ABI, C library, system and processor, of which it says the last ones: `amd64` is
 * `base-gnu-linux-amd64`.
 */
export function matchesArchitecture(wildcard: string, architecture: string): boolean {
  if (wildcard === architecture || wildcard === `linux-${architecture}`) return true;
  const wild = wildcard.split('-');
  if (!wild.includes('any') || architecture === 'all' || wild.length > 4) return false;
  const parts = toTuple(architecture);
  // From the right: what a wildcard does not say may be anything.
  return wild.toReversed().every((each, i) => each === 'any' || each === parts[3 - i]);
}

/** ABI and processor of the names that do not end in the name of their processor alone. */
const otherAbis: Readonly<Record<string, readonly [abi: string, processor: string]>> = {
  armhf: ['eabihf', 'arm'],
  armel: ['eabi', 'arm'],
  arm64ilp32: ['ilp32', 'arm64'],
  mipsn32: ['abin32', 'mips64'],
  mipsn32el: ['abin32', 'mips64el'],
  mipsn32r6: ['abin32', 'mips64r6'],
  mipsn32r6el: ['abin32', 'mips64r6el'],
  mips64: ['abi64', 'mips64'],
  mips64el: ['abi64', 'mips64el'],
  mips64r6: ['abi64', 'mips64r6'],
  mips64r6el: ['abi64', 'mips64r6el'],
  powerpcspe: ['spe', 'powerpc'],
  x32: ['x32', 'amd64'],
};

function toTuple(architecture: string): readonly string[] {
  const parts = architecture.split('-');
  const name = parts.pop()!;
  const [abi, processor] = otherAbis[name] ?? ['base', name];
  const system = parts.pop() ?? 'linux';
  const library = parts.pop() ?? 'gnu';
  return [abi, library, system, processor];
}
