/**
 * What git hosts say when a tag is pushed, read down to: which repository, which tag, which object. Pure: the secret was
 * checked before. Fields are those of each host's documentation; all others are ignored.
 *
 * gitlab: "Tag events" (X-Gitlab-Event: Tag Push Hook). github: `push` and `create`. forgejo: the same two names, in
 * Forgejo's and Gitea's form.
 */
import { z } from 'zod';

import type { WebhookKind } from '../../model/distribution.ts';

export type TagReport = {
  /** The addresses of one repository, the host's preferred one first. */
  readonly addresses: readonly [string, ...string[]];
  readonly tag: string;
  /** The object the tag points to after the push: the tag object of an annotated tag. */
  readonly object: string | undefined;
};

export type Reading =
  | { readonly kind: 'tag'; readonly report: TagReport }
  /** Understood, and nothing to do: `why` is a sentence. */
  | { readonly kind: 'ignored'; readonly why: string }
  | { readonly kind: 'bad'; readonly why: string };

const object = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
const address = z.string().min(1).max(2000);
const tagName = z.string().min(1).max(1000);

const genericPayload = z.object({ repository: address, tag: tagName, object: object.optional() });

const gitlabPayload = z.object({
  object_kind: z.string(),
  ref: z.string().max(1100),
  after: object,
  project: z.object({ git_http_url: address.optional(), git_ssh_url: address.optional() }),
});

const repository = z.object({ clone_url: address.optional(), ssh_url: address.optional() });
const pushPayload = z.object({ ref: z.string().max(1100), after: object, repository });
const createPayload = z.object({ ref: tagName, ref_type: z.string(), repository });

/** `event` is the host's header that names the kind of event; undefined when it sent none. */
export function readPayload(kind: WebhookKind, event: string | undefined, body: unknown): Reading {
  switch (kind) {
    case 'generic':
      return readGeneric(body);
    case 'gitlab':
      return readGitlab(body);
    case 'github':
    case 'forgejo':
      return readForge(event, body);
  }
}

function readGeneric(body: unknown): Reading {
  const read = genericPayload.safeParse(body);
  if (!read.success) return bad(read.error);
  const { repository, tag, object } = read.data;
  return tagOrDeletion([repository], tag.replace(/^refs\/tags\//, ''), object);
}

function readGitlab(body: unknown): Reading {
  const kind = z.object({ object_kind: z.string() }).safeParse(body);
  if (!kind.success) return bad(kind.error);
  if (kind.data.object_kind !== 'tag_push') {
    return {
      kind: 'ignored',
      why: `The event is ${kind.data.object_kind}, not tag_push: only "Tag push events" need to be sent.`,
    };
  }
  const read = gitlabPayload.safeParse(body);
  if (!read.success) return bad(read.error);
  const { project, ref, after } = read.data;
  return ofRef([project.git_http_url, project.git_ssh_url], ref, after);
}

function readForge(event: string | undefined, body: unknown): Reading {
  if (event === 'create') {
    const read = createPayload.safeParse(body);
    if (!read.success) return bad(read.error);
    const { ref, ref_type: type, repository } = read.data;
    if (type !== 'tag') return { kind: 'ignored', why: `A ${type} was created, not a tag.` };
    // The event's own `sha`, where there is one, is the commit: not what the tag points to.
    return ofRef(addressesOf(repository), `refs/tags/${ref.replace(/^refs\/tags\//, '')}`, undefined);
  }
  if (event !== 'push') {
    return { kind: 'ignored', why: `The event is ${event ?? 'not named'}; push and create are what tags come with.` };
  }
  const read = pushPayload.safeParse(body);
  if (!read.success) return bad(read.error);
  const { ref, after, repository } = read.data;
  return ofRef(addressesOf(repository), ref, after);
}

function addressesOf({ clone_url: https, ssh_url: ssh }: z.infer<typeof repository>) {
  return [https, ssh];
}

function ofRef(given: readonly (string | undefined)[], ref: string, after: string | undefined): Reading {
  if (!ref.startsWith('refs/tags/')) return { kind: 'ignored', why: `${ref} is not a tag.` };
  const [first, ...others] = given.filter((each) => each !== undefined);
  if (first === undefined) return { kind: 'bad', why: 'the repository has no address to clone it from' };
  return tagOrDeletion([first, ...others], ref.slice('refs/tags/'.length), after);
}

/** An object id of zeros is how git says that a ref is gone. */
function tagOrDeletion(addresses: TagReport['addresses'], tag: string, object: string | undefined): Reading {
  if (object !== undefined && /^0+$/.test(object)) return { kind: 'ignored', why: `Tag ${tag} was deleted.` };
  if (tag === '') return { kind: 'bad', why: 'the tag has no name' };
  return { kind: 'tag', report: { addresses, tag, object } };
}

function bad(error: z.ZodError): Reading {
  const [issue] = error.issues;
  return { kind: 'bad', why: `${issue?.path.join('.') || 'the body'}: ${issue?.message ?? 'not as expected'}` };
}
