/** Rules on the tag and its signature. */
import type { Rule } from '../facts.ts';
import { quote, refuse } from '../refusal.ts';

const signHint = 'Make a signed tag: git tag -s NAME COMMIT (with an OpenPGP or SSH key that is in sheaf.toml).';

export const lightweightTag: Rule = ({ target, notice }) =>
  target?.kind === 'lightweight'
    ? refuse(
        'lightweight-tag',
        `The tag ${quote(notice.tag)} is a bare pointer to a commit: nobody’s signature can be on it.`,
        signHint,
      )
    : undefined;

export const unsignedTag: Rule = ({ target, notice }) =>
  target?.kind === 'annotated' && target.tag.signature === undefined
    ? refuse('unsigned-tag', `The tag ${quote(notice.tag)} has no signature.`, signHint)
    : undefined;

/** A tag object that is none, or a signature of a kind that we do not read. */
export const malformedTag: Rule = ({ target, notice }) => {
  if (target?.kind === 'malformed') {
    return refuse('bad-signature', `The tag ${quote(notice.tag)} cannot be read: ${target.reason}.`, signHint);
  }
  if (target?.kind === 'annotated' && target.tag.signature?.kind === 'x509') {
    return refuse('bad-signature', 'The tag carries an X.509 signature, which is not taken.', signHint);
  }
  return undefined;
};

/** A good signature of another tag, or over something that is no commit. */
export const wrongObject: Rule = ({ target, notice }) => {
  if (target?.kind === 'other') {
    return refuse(
      'wrong-object',
      `The name ${quote(notice.tag)} points at a ${target.type}, not at a tag.`,
      'Tag a commit, and push that tag.',
    );
  }
  if (target?.kind !== 'annotated') return undefined;
  const { tag } = target;
  if (tag.tag !== notice.tag) {
    return refuse(
      'wrong-object',
      `The name ${quote(notice.tag)} points at a tag object that was signed as ${quote(tag.tag)}.`,
      'Push the tag under the name that it was signed with.',
    );
  }
  if (tag.type !== 'commit') {
    return refuse(
      'wrong-object',
      `The tag ${quote(notice.tag)} is over a ${tag.type}, not over a commit.`,
      'Tag a commit.',
    );
  }
  return undefined;
};

/** Everything that is wrong with the signature and its key, by the policy in plumbing/signature. */
export const badSignature: Rule = ({ report }) => report?.problems;

/** A name, once signed well, points there for ever. */
export const movedTag: Rule = ({ notice, object, commit }, { seenObject }) => {
  if (object === undefined) return undefined;
  const hint = 'Release again under a new version and a new tag; a released tag is never moved.';
  if (seenObject !== undefined && seenObject !== object) {
    return refuse(
      'tag-moved',
      `The tag ${quote(notice.tag)} was ${seenObject} when it was first seen with a good signature; now it is ${object}.`,
      hint,
    );
  }
  const { claimedObject } = notice;
  if (claimedObject !== undefined && claimedObject !== object && claimedObject !== commit) {
    return refuse(
      'tag-moved',
      `The notification is about ${quote(claimedObject)}, but ${quote(notice.tag)} now points at ${object}.`,
      hint,
    );
  }
  return undefined;
};
