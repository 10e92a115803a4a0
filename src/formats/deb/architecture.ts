/** Architecture wildcards: Debian Policy 11.1.1 and dpkg-architecture(1). */

/**
 * Whether `wildcard` (`any`, `linux-any`, `any-amd64`, `amd64`) covers `architecture`. `all` covers only itself.
 * Names without a system part are Linux's: `amd64` is `linux-amd64`.
 */
export function matchesArchitecture(wildcard: string, architecture: string): boolean {
  if (wildcard === architecture) return true;
  if (wildcard === 'all' || architecture === 'all') return false;
  if (wildcard === 'any') return true;
  const [wildSystem, wildProcessor] = split(wildcard);
  const [system, processor] = split(architecture);
  return (wildSystem === 'any' || wildSystem === system) && (wildProcessor === 'any' || wildProcessor === processor);
}

function split(name: string): [system: string, processor: string] {
  const dash = name.lastIndexOf('-');
  return dash === -1 ? ['linux', name] : [name.slice(0, dash), name.slice(dash + 1)];
}
