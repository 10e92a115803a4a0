/** Shapes of what the API says of upstreams, snapshots, indexes and packages over time. */
import { z } from '@hono/zod-openapi';

import { changeClasses } from '../../../compare/mod.ts';
import { relationFields } from '../../../model/relation-field.ts';
import { isSnapshotId } from '../../../model/names.ts';
import { boundedText, pageOf, pageQuery } from '../api-schemas.ts';

const time = z.iso.datetime({ offset: true });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const snapshotId = z.string().regex(/^\d{8}T\d{6}Z$/);
const origin = z.string().meta({ description: 'Name of the upstream; empty for a suite of ours.' });
const kind = z.enum(['binary', 'source']);

const counts = z.object({
  added: z.int(),
  removed: z.int(),
  upgraded: z.int(),
  downgraded: z.int(),
  altered: z.int().meta({ description: 'The same version with other bytes.' }),
});

export const checkSchema = z
  .object({
    upstream: z.string(),
    suite: z.string(),
    startedAt: time,
    finishedAt: time,
    id: z.int(),
    outcome: z.enum(['new', 'unchanged', 'refused', 'failed']),
    code: z.string().optional(),
    message: z.string(),
    snapshotId: snapshotId.optional(),
    release: sha256.optional().meta({ description: 'The Release file that was looked at.' }),
    bytes: z.int(),
  })
  .openapi('UpstreamCheck');

export const trackedSuiteSchema = z
  .object({
    origin,
    suite: z.string(),
    codename: z.string().optional(),
    newest: snapshotId,
    snapshots: z.int(),
    binaries: z.int(),
    sources: z.int(),
  })
  .openapi('TrackedSuite');

export const upstreamSchema = z
  .object({
    name: z.string(),
    url: z.string().optional().meta({ description: 'Absent when sheaf.toml no longer names it.' }),
    components: z.array(z.string()).optional(),
    architectures: z.array(z.string()).optional(),
    sources: z.boolean().optional(),
    contents: z.boolean().optional(),
    suites: z.array(
      z.object({ suite: z.string(), tracked: trackedSuiteSchema.optional(), check: checkSchema.optional() }),
    ),
  })
  .openapi('Upstream');

export const historySnapshotSchema = z
  .object({
    origin,
    suite: z.string(),
    snapshotId,
    codename: z.string().optional(),
    validUntil: time.optional(),
    seenAt: time,
    release: sha256.optional().meta({ description: 'SHA-256 of its InRelease or Release file.' }),
    signedBy: z.array(z.string()).meta({ description: 'Fingerprints; empty when nobody vouched for it.' }),
    changes: z.object({ binary: counts, source: counts }).optional(),
  })
  .openapi('HistorySnapshot');

export const indexSchema = z
  .object({
    path: z.string(),
    kind: z.enum(['packages', 'sources', 'contents', 'translation', 'other']),
    component: z.string(),
    architecture: z.string(),
    sha256,
    size: z.int(),
    since: snapshotId,
    until: snapshotId.optional(),
  })
  .openapi('Index');

export const snapshotDetailSchema = historySnapshotSchema
  .extend({ previous: snapshotId.optional(), indexes: z.array(indexSchema) })
  .openapi('HistorySnapshotDetail');

export const entrySchema = z
  .object({
    kind,
    name: z.string(),
    version: z.string(),
    architecture: z.string(),
    source: z.string(),
    sourceVersion: z.string(),
    sha256: z.string().meta({ description: 'Of the .deb or .dsc; empty where the index gives none.' }),
    size: z.int(),
    component: z.string(),
  })
  .openapi('PackageEntry');

export const sightingSchema = z
  .object({
    origin,
    suite: z.string(),
    component: z.string(),
    since: snapshotId,
    until: snapshotId.optional().meta({ description: 'The first snapshot without it; absent when it is there now.' }),
    entry: entrySchema,
  })
  .openapi('Sighting');

export const alarmSchema = z
  .object({
    origin,
    kind,
    name: z.string(),
    version: z.string(),
    architecture: z.string(),
    sha256: z.array(sha256),
    seenAt: time,
  })
  .openapi('HashAlarm');

export const packageHistorySchema = z
  .object({
    name: z.string(),
    kind,
    sightings: z.array(sightingSchema),
    hashes: z
      .array(z.object({ origin, version: z.string(), architecture: z.string(), sha256: z.array(sha256) }))
      .meta({ description: 'Two hashes of one version are an alarm.' }),
  })
  .openapi('PackageHistory');

const relationField = z.enum(relationFields);
export const relationSchema = z.object({ field: relationField, entry: entrySchema }).openapi('Relation');
export const relationsSchema = pageOf(relationSchema)
  .extend({ total: z.int().meta({ description: 'Of all pages; counting stops at 1000.' }) })
  .openapi('Relations');

export const foundNameSchema = z.object({ name: z.string(), kind }).openapi('FoundName');
export const foundFileSchema = z.object({ path: z.string(), packages: z.array(z.string()) }).openapi('FoundFile');

const side = z.object({
  version: z.string(),
  architecture: z.string(),
  component: z.string(),
  source: z.string(),
  sourceVersion: z.string(),
  sha256: z.string(),
  size: z.int(),
  also: z.array(z.string()).optional(),
});
export const changeSchema = z
  .object({ change: z.enum(changeClasses), kind, name: z.string(), old: side.optional(), new: side.optional() })
  .openapi('PackageChange');
const comparedPlace = z.object({
  kind: z.enum(['snapshot', 'files']),
  place: z.string(),
  origin: z.string().optional(),
  suite: z.string().optional(),
  snapshotId: z.string().optional(),
});
export const comparedCounts = counts.extend({ moved: z.int() });

export const comparisonSchema = z
  .object({
    left: comparedPlace,
    right: comparedPlace,
    kinds: z.array(kind),
    architectures: z.array(z.string()),
    leftOut: z.array(z.object({ place: z.string(), what: z.string() })),
    counts: z.object({ binary: comparedCounts, source: comparedCounts }),
    alarms: z.array(changeSchema),
    total: z.int(),
    sources: z.array(
      z.object({
        source: z.string(),
        oldVersion: z.string().optional(),
        newVersion: z.string().optional(),
        changes: z.array(changeSchema),
      }),
    ),
    next: z.string().optional(),
  })
  .openapi('Comparison');

const placeText = boundedText(300).min(1).meta({
  description: '`stable`, `stable@142`, `debian/trixie`, `debian/trixie@20260912T075541Z`, `debian/trixie@2026-09-12`.',
});
const architecture = boundedText(40);
const packageName = boundedText(200).min(1);

export const placeQuery = z.object({ place: placeText });
export const snapshotsQuery = pageQuery.extend({
  place: placeText,
  after: z
    .string()
    .refine(isSnapshotId, 'it is not the `next` of a page')
    .optional()
    .meta({ description: 'The `next` of the page before.' }),
});
export const indexQuery = placeQuery.extend({ path: boundedText(300).min(1) });
export const entriesQuery = placeQuery.extend({
  kind: kind.optional(),
  name: packageName.optional(),
  source: packageName.optional(),
  contains: packageName.optional(),
  component: boundedText(100).optional(),
  architecture: architecture.optional(),
  after: boundedText(300).optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
});
export const stanzaQuery = placeQuery.extend({
  kind,
  name: packageName,
  version: boundedText(250).optional(),
  architecture: architecture.optional(),
});
export const historyFilters = z.object({
  version: boundedText(250).optional(),
  architecture: architecture.optional(),
  origin: boundedText(100).optional(),
  suite: boundedText(200).optional(),
});
export const relationsQuery = placeQuery.extend({
  to: packageName.meta({ description: 'The name that others name in their fields.' }),
  after: boundedText(300).optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
});
export const searchQuery = z.object({
  q: packageName.meta({ description: 'How the name begins.' }),
  limit: z.coerce.number().int().min(1).max(200).optional(),
});
export const filesQuery = placeQuery.extend({
  path: boundedText(1000).min(1).optional().meta({ description: 'The whole path.' }),
  name: boundedText(300).min(1).optional().meta({ description: 'The last part of the path.' }),
  contains: boundedText(300).min(3).optional().meta({ description: 'A part of the path.' }),
  package: packageName.optional().meta({ description: 'All files of a binary package.' }),
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
});
export const alarmsQuery = z.object({
  origin: boundedText(100).optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
});

export const checksQuery = z.object({
  suite: boundedText(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).optional(),
});

const listOf = (most: number) =>
  boundedText(most)
    .transform((text) => text.split(',').filter((part) => part !== ''))
    .optional();

/** Lists are separated by commas. */
export const compareQuery = z.object({
  a: placeText.optional().meta({ description: 'Without it, the snapshot before `b`.' }),
  b: placeText,
  kinds: z
    .string()
    .regex(/^(binary|source)(,(binary|source))?$/)
    .transform((text) => text.split(',') as ('binary' | 'source')[])
    .optional(),
  architectures: listOf(400),
  components: listOf(400),
  names: listOf(1000).meta({ description: 'Globs, for names of packages and of their sources.' }),
  only: boundedText(200)
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(changeClasses)))
    .optional(),
  after: boundedText(300).optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
});
