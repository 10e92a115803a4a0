/** Shapes of what is managed: the NEW queue, and what is done to suites. */
import { z } from '@hono/zod-openapi';

import { boundedText } from '../api-schemas.ts';

const time = z.iso.datetime({ offset: true });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.object({ name: z.string(), sha256, size: z.int() });

export const newFilters = z.object({
  all: z.enum(['true', 'false']).optional().meta({ description: 'Also those that are decided, the newest first.' }),
  suite: boundedText(300).optional(),
});

export const newUploadSchema = z
  .object({
    id: z.int(),
    suite: z.string(),
    source: z.string(),
    version: z.string(),
    names: z.array(z.string()).meta({ description: 'Names that the repository never had when it came.' }),
    files: z.array(file),
    signer: z.string().optional(),
    receivedAt: time,
    state: z.enum(['NEW', 'ACCEPTED', 'REJECTED']),
    decidedAt: time.optional(),
    decidedBy: z.string().optional(),
    reason: z.string().optional(),
    lintian: z
      .array(
        z.object({
          severity: z.enum(['error', 'warning', 'info', 'pedantic', 'classification']),
          file: z.string(),
          tag: z.string(),
          context: z.string(),
          overridden: z.boolean(),
        }),
      )
      .optional()
      .meta({ description: 'What lintian says of it, where the suite asks lintian.' }),
  })
  .openapi('NewUpload');

export const commentSchema = z
  .object({ id: z.int(), at: time, author: z.string(), text: z.string() })
  .openapi('UploadComment');

export const newDetailSchema = newUploadSchema
  .extend({
    changes: z.string().optional().meta({ description: 'The text of the .changes, as it came.' }),
    packages: z.array(
      z.object({
        file,
        name: z.string().optional(),
        isNew: z.boolean(),
        control: z.string().meta({ description: 'The text of its control file, or why there is none.' }),
      }),
    ),
    others: z.int().meta({ description: 'Binary packages beyond those that are described.' }),
    comments: z.array(commentSchema),
  })
  .openapi('NewUploadDetail');

/** One line for the audit trail. */
const reason = boundedText(1000).transform((text) => (text.trim() === '' ? undefined : text.trim()));
const neededReason = boundedText(1000).regex(/\S/, 'it is empty');

export const reasonBody = z.object({ reason: reason.optional() });
export const neededReasonBody = z.object({ reason: neededReason });
export const commentBody = z.object({
  text: z
    .string()
    .max(10_000)
    .regex(/\S/, 'it is empty')
    .regex(/^[^\u0000-\u0008\u000b-\u001f\u007f]*$/, 'it has control characters'),
});
export const copyBody = z.object({
  from: boundedText(300),
  packages: z.array(boundedText(300)).min(1).max(1000).meta({ description: 'NAME or NAME=VERSION.' }),
  reason: reason.optional(),
  dryRun: z.boolean().optional(),
});
export const rollbackBody = z.object({
  snapshot: z
    .union([boundedText(300), z.int().positive().transform(String)])
    .meta({ description: '`141`, `stable@141` or `20261121T030000Z`.' }),
  reason: reason.optional(),
  dryRun: z.boolean().optional(),
});

export const operationSchema = z
  .object({
    entering: z.array(z.string()),
    leaving: z.array(z.string()),
    leftOut: z.array(z.string()),
    number: z.int().optional().meta({ description: 'The newest snapshot after it; absent on a dry run.' }),
  })
  .openapi('Operation');
