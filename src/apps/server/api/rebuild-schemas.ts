/** What the API says of rebuilds. */
import { z } from '@hono/zod-openapi';

import { causeKinds, rebuildModes, rebuildTaskStates, verdicts } from '../../../model/rebuild.ts';
import { boundedText } from '../api-schemas.ts';

const verdict = z.enum(verdicts);
const time = z.iso.datetime();
const digest = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.object({ sha256: digest, size: z.number().int() });
const cause = z
  .object({ kind: z.enum(causeKinds), detail: z.string(), confirmed: z.boolean(), explains: z.string().optional() })
  .openapi('Cause');
const origin = z.enum(['own', 'foreign']);

export const rebuildFilters = z.object({
  verdict: verdict.optional(),
  cause: z.enum(causeKinds).optional(),
  place: boundedText(210).optional(),
  architecture: boundedText(40).optional(),
  contains: boundedText(200).optional(),
  disputed: z.enum(['true', 'false']).optional(),
});

export const rebuildFileSchema = z
  .object({
    ...{ rebuild: z.number().int(), origin, rebuilder: z.string(), place: z.string().optional() },
    ...{ file: z.string(), name: z.string(), version: z.string(), architecture: z.string(), source: z.string() },
    ...{ sha256: digest, rebuiltSha256: digest.optional(), verdict, causes: z.array(cause) },
    ...{ reason: z.string().optional(), finishedAt: time },
    others: z.array(z.object({ rebuilder: z.string(), verdict, rebuild: z.number().int() })),
  })
  .openapi('RebuiltFile');

const result = z
  .object({
    ...{ source: z.string(), version: z.string(), architecture: z.string(), mode: z.enum(rebuildModes) },
    ...{ place: z.string().optional(), verdict, reason: z.string().optional() },
    files: z.array(
      z.object({
        ...{ name: z.string(), version: z.string(), architecture: z.string(), file: z.string() },
        ...{ original: file, rebuilt: file.optional(), verdict },
      }),
    ),
    causes: z.array(cause),
    ...{ lock: digest.optional(), buildinfo: digest.optional(), log: digest.optional() },
    ...{ difference: digest.optional(), diffoscope: digest.optional() },
    conditions: z.record(z.string(), z.string()),
    experiments: z.array(z.object({ restored: z.string(), verdict, seconds: z.number() })),
    ...{ startedOn: time, finishedOn: time },
  })
  .openapi('RebuildResult');

export const rebuildSchema = z
  .object({
    ...{ id: z.number().int(), statement: digest, origin, rebuilder: z.string(), key: z.string().optional() },
    ...{ job: z.number().int().optional(), recordedAt: time, place: z.string().optional(), result },
  })
  .openapi('Rebuild');

const counts = z.object({
  reproduced: z.number().int(),
  differs: z.number().int(),
  unknown: z.number().int(),
  failed: z.number().int(),
});
export const placeCountsSchema = z
  .object({ place: z.string(), architecture: z.string(), counts })
  .openapi('RebuildCounts');

export const taskFilters = z.object({
  source: boundedText(200).optional(),
  suite: boundedText(210).optional(),
  architecture: boundedText(40).optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
});

export const taskSchema = z
  .object({
    ...{ id: z.number().int(), state: z.enum(rebuildTaskStates), reason: z.string() },
    ...{ source: z.string(), version: z.string(), architecture: z.string(), suite: z.string(), place: z.string() },
    ...{ mode: z.enum(rebuildModes).optional(), dependencies: z.array(z.string()), nocheck: z.boolean() },
    ...{ plain: z.boolean(), experiments: z.number().int(), priority: z.number().int(), attempts: z.number().int() },
    ...{ notBefore: time.optional(), rebuild: z.number().int().optional(), verdict: verdict.optional() },
    ...{ askedBy: z.string(), askedAt: time, startedAt: time.optional(), finishedAt: time.optional() },
  })
  .openapi('RebuildTask');

export const acceptedSchema = z.object({ rebuild: z.number().int(), rebuilder: z.string() });
export const envelopeSchema = z
  .object({
    payloadType: z.string(),
    payload: z.string(),
    signatures: z.array(z.object({ keyid: z.string().optional(), sig: z.string() })),
  })
  .openapi('Envelope');
