/** A specification as an OCI runtime's config.json (https://github.com/opencontainers/runtime-spec, 1.0.2). Pure. */
import type { SandboxSpec } from './port.ts';

/** What root inside may do with files and ids of its own namespace; the same list as in enter.pl. */
const rootCapabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_MKNOD',
  'CAP_AUDIT_WRITE',
  'CAP_SETFCAP',
];

/** `bindSource` tells where the n-th bind is found from inside the bundle. */
export function toOciConfig(spec: SandboxSpec, bindSource: (index: number) => string): object {
  const capabilities = spec.user.uid === 0 ? rootCapabilities : [];
  const tasks = 4 * spec.limits.processes + 64;
  const namespaces = ['pid', 'ipc', 'uts', 'mount', 'cgroup', ...(spec.network === 'none' ? ['network'] : [])];
  return {
    ociVersion: '1.0.2',
    root: { path: 'root', readonly: false },
    hostname: spec.hostname,
    process: {
      terminal: false,
      user: { uid: spec.user.uid, gid: spec.user.gid, umask: 0o022, additionalGids: [] },
      args: spec.argv,
      env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
      cwd: spec.cwd,
      noNewPrivileges: true,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
        { type: 'RLIMIT_NPROC', soft: tasks, hard: tasks },
      ],
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
      { destination: '/dev', type: 'tmpfs', source: 'dev', options: ['nosuid', 'noexec', 'mode=755', 'size=64k'] },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'nodev', 'mode=1777', `size=${Math.floor(spec.limits.memory / 2)}`],
      },
      ...spec.binds.map((bind, index) => ({
        destination: bind.target,
        type: 'bind',
        source: bindSource(index),
        options: ['rbind', bind.readOnly ? 'ro' : 'rw', 'nosuid', 'nodev'],
      })),
    ],
    linux: {
      namespaces: namespaces.map((type) => ({ type })),
      maskedPaths: [
        '/proc/kcore',
        '/proc/keys',
        '/proc/latency_stats',
        '/proc/timer_list',
        '/proc/sched_debug',
        '/proc/scsi',
      ],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sysrq-trigger'],
    },
  };
}
