/** GNU hello as Debian 12 has it: the real files, by their hashes, from Debian's mirror. */
import { parseSha256 } from '../src/kit/digest.ts';
import type { InputFile } from '../src/model/job.ts';
import type { Blobs } from '../src/plumbing/blobs.ts';

const pool = 'http://deb.debian.org/debian/pool/main/h/hello';

const sourceFiles = {
  'hello_2.10-3.dsc': '75296f5ef618ae2f1849e22b142a2b5ab52c452ebefa4e7b0564c44617db3790',
  'hello_2.10.orig.tar.gz': '31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b',
  'hello_2.10.orig.tar.gz.asc': '4ea69de913428a4034d30dcdcb34ab84f5c4a76acf9040f3091f0d3fac411b60',
  'hello_2.10-3.debian.tar.xz': '60ee7a466808301fbaa7fea2490b5e7a6d86f598956fb3e79c71b3295dc1f249',
} as const;
const binaryFiles = {
  'hello_2.10-3_amd64.deb': '2e6e2f1a0007dc43bc91c273fd36e91e40a4f1c2765a03eca68b70a42103878a',
} as const;

export const fetchHelloSource = (blobs: Blobs) => fetchAll(blobs, sourceFiles);
export const fetchHelloBinaries = (blobs: Blobs) => fetchAll(blobs, binaryFiles);

async function fetchAll(blobs: Blobs, files: Readonly<Record<string, string>>): Promise<InputFile[]> {
  return Promise.all(
    Object.entries(files).map(async ([name, digest]) => {
      const response = await fetch(`${pool}/${name}`, { signal: AbortSignal.timeout(60_000) });
      if (!response.ok || response.body === null) throw new Error(`${name}: ${response.status}`);
      return { name, ...(await blobs.put(response.body, { expect: parseSha256(digest), limit: 10_000_000 })) };
    }),
  );
}
