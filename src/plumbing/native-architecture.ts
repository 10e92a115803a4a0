/** Debian's name of this machine's architecture. */
import type { Architecture } from '../model/names.ts';

const architectures: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'armhf',
  ia32: 'i386',
  riscv64: 'riscv64',
  s390x: 's390x',
  ppc64: 'ppc64el',
  loong64: 'loong64',
};

export function nativeArchitecture(): Architecture {
  return (architectures[process.arch] ?? process.arch) as Architecture;
}
