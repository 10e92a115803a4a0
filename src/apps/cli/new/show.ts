/** Uploads of the NEW queue. */
import { SheafError } from '../../../kit/error.ts';
import {
  findNewUpload,
  formatLintianTag,
  listComments,
  summariseLintian,
  type NewUpload,
  type UploadComment,
} from '../../../upload/mod.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { formatTime } from '../output.ts';
import { formatFields, formatTable, text } from '../table.ts';

/** Throws `usage` for what is no number. */
export function parseNumber(given: string): number {
  if (/^\d{1,15}$/.test(given)) return Number(given);
  throw new SheafError('bad-number', `Cannot find NEW "${given}": expected a number`, {
    kind: 'usage',
    hint: 'See: sheaf new list',
  });
}

export type UploadDocument = NewUpload & { readonly comments: readonly UploadComment[] };

/** Throws `no-upload`. */
export async function readUpload({ db }: House, given: string): Promise<UploadDocument> {
  const upload = await findNewUpload(db, parseNumber(given));
  if (upload !== undefined) return { ...upload, comments: await listComments(db, upload.id) };
  throw new SheafError('no-upload', `Cannot find NEW ${given}: no upload has this number`, {
    kind: 'usage',
    hint: 'See: sheaf new list --all',
  });
}

export function formatUploads(uploads: readonly NewUpload[]): string[] {
  if (uploads.length === 0) return ['Nothing waits.'];
  return formatTable(uploads, [
    text('new', (row) => row.id),
    text('suite', (row) => row.suite),
    text('source', (row) => row.source),
    text('version', (row) => row.version),
    text('state', (row) => row.state),
    text('signer', (row) => row.signer ?? '(unsigned)'),
    text('received', (row) => formatTime(row.receivedAt)),
    text('new names', (row) => row.names.join(' ')),
    text('lintian', (row) => (row.lintian === undefined ? undefined : summariseLintian(row.lintian).slice(9))),
  ]);
}

export function formatUpload({ blobs }: Pick<House, 'blobs'>, upload: UploadDocument): string[] {
  return [
    `NEW ${upload.id}: ${upload.source} ${upload.version} for ${upload.suite}`,
    '',
    ...formatFields([
      ['state', upload.state],
      ['signer', upload.signer ?? '(unsigned)'],
      ['received', formatTime(upload.receivedAt)],
      ['new names', upload.names.join(' ')],
      ['decided', formatTime(upload.decidedAt)],
      ['by', upload.decidedBy],
      ['reason', upload.reason === undefined ? undefined : clean(upload.reason)],
    ]),
    ...(upload.lintian === undefined ? [] : ['', summariseLintian(upload.lintian)]),
    ...(upload.lintian ?? []).map((tag) => `  ${clean(formatLintianTag(tag))}`),
    '',
    ...upload.files.flatMap((file) => [file.name, `  ${blobs.path(file.sha256)}`]),
    ...upload.comments.flatMap(({ at, author, text: words }) => [
      '',
      `${clean(author)}, ${formatTime(at)}:`,
      ...words.split('\n').map((line) => `  ${clean(line)}`),
    ]),
  ];
}
