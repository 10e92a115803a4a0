/** What an upload of the NEW queue holds, for whoever decides: the text of its `.changes`, its packages' control fields. */
import { openDeb, type DebLimits, type DecompressStream } from '../formats/deb/deb-stream.ts';
import { describeError, SheafError } from '../kit/error.ts';
import type { Sha256 } from '../kit/digest.ts';
import type { InputFile } from '../model/job.ts';
import type { NewUpload } from '../upload/mod.ts';

export type DescribeDeps = {
  readonly blobs: { readonly stream: (digest: Sha256) => AsyncIterable<Uint8Array> };
  readonly decompress: DecompressStream;
};

export type UploadDescription = {
  /** As it came, signature and all; undefined when there is none. */
  readonly changes: string | undefined;
  readonly packages: readonly PackageDescription[];
  /** Packages beyond those that are described. */
  readonly others: number;
};

export type PackageDescription = {
  readonly file: InputFile;
  /** Of a file that can be read. */
  readonly name: string | undefined;
  /** The repository never had a package of this name. */
  readonly isNew: boolean;
  /** The text of its control file, or why there is none. */
  readonly control: string;
};

const mostPackages = 40;
const longestChanges = 200_000;
const longestControl = 20_000;
const limits: DebLimits = { bytes: 2 ** 40, entries: 1_000_000 };

/** New packages come first. Throws when a blob cannot be read. */
export async function describeUpload(deps: DescribeDeps, upload: NewUpload): Promise<UploadDescription> {
  const changes = upload.files.find((file) => file.name.endsWith('.changes'));
  const debs = upload.files.filter((file) => file.name.endsWith('.deb'));
  const packages: PackageDescription[] = [];
  for (const file of debs.slice(0, mostPackages)) packages.push(await describePackage(deps, upload, file));
  return {
    changes: changes && (await readText(deps, changes)),
    packages: packages.toSorted((a, b) => Number(b.isNew) - Number(a.isNew)),
    others: debs.length - packages.length,
  };
}

async function describePackage(deps: DescribeDeps, upload: NewUpload, file: InputFile): Promise<PackageDescription> {
  try {
    const deb = await openDeb(deps.blobs.stream(file.sha256), deps.decompress, limits, file.name);
    await deb.close();
    const control = deb.control.length > longestControl ? `${deb.control.slice(0, longestControl)}…` : deb.control;
    return { file, name: deb.name, isNew: upload.names.includes(deb.name), control };
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    return { file, name: undefined, isNew: false, control: describeError(error) };
  }
}

async function readText({ blobs }: DescribeDeps, file: InputFile): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of blobs.stream(file.sha256)) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > longestChanges) return `${text.slice(0, longestChanges)}…`;
  }
  return text;
}
