/** A row of `tag_build` that nobody has looked at: what the database does not fill in by itself. */
export const unjudged = {
  claimed_object: null,
  judged_at: null,
  done_at: null,
  duplicate_of: null,
  source: null,
  version: null,
  tag_object: null,
  commit_object: null,
  tree_object: null,
  signer: null,
  signature: null,
  obstacle: null,
};
