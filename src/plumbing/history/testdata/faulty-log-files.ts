/** Files of the index store with faults between: see test/faults.ts. A write may also fail with half of it done. */
import type { Faults } from '../../../../test/faults.ts';
import { logFiles, type LogFile, type LogFiles } from '../files.ts';

export function faultyLogFiles(faults: Faults): LogFiles {
  const wrap = (file: LogFile, path: string): LogFile => ({
    ...file,
    async write(bytes, position) {
      const half = bytes.subarray(0, bytes.length / 2);
      await faults.step(`write half at ${position} of ${path}`, () => file.write(half, position));
      await faults.step(`write at ${position} of ${path}`, () => file.write(bytes, position));
    },
    sync: () => faults.step(`sync ${path}`, () => file.sync()),
    // Cutting off works on a full disk.
    truncate: (size) => faults.step(`truncate ${path} to ${size}`, () => file.truncate(size), false),
  });
  return {
    ...logFiles,
    async open(path, mode) {
      const file = await logFiles.open(path, mode);
      return file === undefined ? undefined : wrap(file, path);
    },
    async create(path) {
      let file: LogFile | undefined;
      try {
        return wrap(await faults.step(`create ${path}`, async () => (file = await logFiles.create(path))), path);
      } catch (error) {
        await file?.close();
        throw error;
      }
    },
    rename: (from, to) => faults.step(`rename ${to}`, () => logFiles.rename(from, to)),
    remove: (path) => faults.step(`remove ${path}`, () => logFiles.remove(path), false),
    syncDirectory: (path) => faults.step(`sync ${path}`, () => logFiles.syncDirectory(path), false),
  };
}
