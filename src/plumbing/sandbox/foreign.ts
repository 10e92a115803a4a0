/**
 * Programs of other architectures than the host's: qemu's emulator of a processor runs them, and binfmt_misc tells the
 * kernel which files are such programs (Documentation/admin-guide/binfmt-misc.rst). Pure.
 */
import { SheafError } from '../../kit/error.ts';
import type { Architecture } from '../../model/names.ts';

type Machine = {
  /** The processor as qemu's programs name it. */
  readonly qemu: string;
  readonly bits: 32 | 64;
  readonly endian: 'little' | 'big';
  /** `e_machine`: elf(5). */
  readonly number: number;
};

/** The facts of qemu's scripts/qemu-binfmt-conf.sh, by Debian's names. */
const machines: Readonly<Record<string, Machine>> = {
  amd64: { qemu: 'x86_64', bits: 64, endian: 'little', number: 62 },
  arm64: { qemu: 'aarch64', bits: 64, endian: 'little', number: 183 },
  armel: { qemu: 'arm', bits: 32, endian: 'little', number: 40 },
  armhf: { qemu: 'arm', bits: 32, endian: 'little', number: 40 },
  i386: { qemu: 'i386', bits: 32, endian: 'little', number: 3 },
  loong64: { qemu: 'loongarch64', bits: 64, endian: 'little', number: 258 },
  mips64el: { qemu: 'mips64el', bits: 64, endian: 'little', number: 8 },
  ppc64el: { qemu: 'ppc64le', bits: 64, endian: 'little', number: 21 },
  riscv64: { qemu: 'riscv64', bits: 64, endian: 'little', number: 243 },
  s390x: { qemu: 's390x', bits: 64, endian: 'big', number: 22 },
};

/** All that are known. */
export const emulated: readonly string[] = Object.keys(machines);

/** Whether the host runs programs of an architecture by itself. */
export function runsNatively(architecture: Architecture, host: Architecture): boolean {
  return architecture === host || (host === 'amd64' && architecture === 'i386');
}

/**
 * The emulator's program. The static one: a dynamic one would look for its libraries in the root. Throws
 * `sandbox-unavailable` when there is none.
 */
export function emulatorOf(architecture: Architecture): string {
  return `qemu-${machineOf(architecture).qemu}-static`;
}

/**
 * What is written to binfmt_misc's `register`. The flags: O, the program is handed over open, so that it need not be
 * readable; P, with its own argv[0]; F, the emulator is opened now, where the host's files are seen.
 */
export function formatRegistration(architecture: Architecture, emulator: string): string {
  const { magic, mask } = elfHeader(machineOf(architecture));
  return `:sheaf:M::${escape(magic)}:${escape(mask)}:${emulator}:OPF`;
}

/**
 * The begin of an executable file and which bits of it count: elf(5). Any operating system's ABI and any version of it;
 * of the types ET_EXEC (2) and ET_DYN (3), which position-independent programs have.
 */
function elfHeader({ bits, endian, number }: Machine): { magic: number[]; mask: number[] } {
  const half = (value: number) => (endian === 'little' ? [value & 0xff, value >> 8] : [value >> 8, value & 0xff]);
  const identity = [0x7f, ...Buffer.from('ELF'), bits === 64 ? 2 : 1, endian === 'little' ? 1 : 2, 1];
  const rest = Array<number>(9).fill(0);
  return {
    magic: [...identity, ...rest, ...half(2), ...half(number)],
    mask: [...identity.map(() => 0xff), ...rest, ...half(0xfffe), ...half(0xffff)],
  };
}

function escape(bytes: readonly number[]): string {
  return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
}

function machineOf(architecture: Architecture): Machine {
  const machine = machines[architecture];
  if (machine !== undefined) return machine;
  throw new SheafError('sandbox-unavailable', `Cannot run programs of ${architecture}: no emulator of it is known`, {
    kind: 'environment',
    hint: `Known are ${emulated.join(', ')}.`,
  });
}
