/** A git tree as a tar archive: the same tree, directory name and time give the same bytes. */
import { once } from 'node:events';
import type { Readable } from 'node:stream';

import { pack, type Pack } from 'tar-stream';

import type { TreeFile } from './facts.ts';
import type { GitObjects } from './ports.ts';

export type SourceTar = {
  /** Everything lies below this directory. */
  readonly directory: string;
  readonly files: readonly TreeFile[];
  readonly mtime: Date;
};

/** The archive as a stream of bytes; a failure to read an object is a failure of the stream. */
export function writeSourceTar(objects: GitObjects, tar: SourceTar): Readable {
  const archive = pack();
  fill(archive, objects, tar).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error as Error),
  );
  return archive as unknown as Readable;
}

async function fill(archive: Pack, objects: GitObjects, { directory, files, mtime }: SourceTar): Promise<void> {
  const owner = { uid: 0, gid: 0, uname: 'root', gname: 'root', mtime };
  archive.entry({ ...owner, name: `${directory}/`, type: 'directory', mode: 0o755 });
  const sorted = files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  for (const file of sorted) {
    const name = `${directory}/${file.path}`;
    if (file.kind === 'directory') archive.entry({ ...owner, name: `${name}/`, type: 'directory', mode: 0o755 });
    else if (file.kind === 'symlink') {
      archive.entry({ ...owner, name, type: 'symlink', linkname: file.target!, mode: 0o777 });
    } else
      await writeFile(archive, objects, file, { ...owner, name, mode: file.kind === 'executable' ? 0o755 : 0o644 });
  }
}

type Header = Parameters<Pack['entry']>[0];

async function writeFile(archive: Pack, objects: GitObjects, file: TreeFile, header: Header): Promise<void> {
  const written = Promise.withResolvers<void>();
  const entry = archive.entry({ ...header, type: 'file', size: file.size }, (error) =>
    error === null || error === undefined ? written.resolve() : written.reject(error),
  );
  for await (const chunk of objects.stream(file.id)) {
    if (!entry.write(chunk)) await once(entry, 'drain');
  }
  entry.end(null);
  await written.promise;
}
