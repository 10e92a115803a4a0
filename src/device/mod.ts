/** The device room: what is installed on a system, and how that differs from a list of packages. It knows no archive. */
export { verifyAgainst, type PackagedFile, type VerifiedManifest } from './against.ts';
export {
  compareDevice,
  deviceKinds,
  type DeviceComparison,
  type DeviceKind,
  type DevicePackage,
  type ListedPackage,
  type PackageList,
} from './compare.ts';
export { formatManifest, parseManifest, type FileFaults, type Manifest, type ManifestPackage } from './manifest.ts';
export type { DeviceFiles, FileDigest } from './ports.ts';
export { readManifest, type ReadOptions } from './read.ts';
