/** Uploads by people: whose they are, whether they may come, and those that wait for somebody's decision. */
export { judgeUpload, type Judgement } from './judge.ts';
export { fatalTags, formatLintianTag, lintianReasons, summariseLintian } from './lintian.ts';
export type { RunLintian, UploadDeps } from './ports.ts';
export { findLintian, saveLintian } from './store-lintian.ts';
export {
  decideUpload,
  findHeldFiles,
  findNewUpload,
  holdUpload,
  listNewUploads,
  recordRefusal,
  type NewUpload,
} from './store.ts';
export { addComment, listComments, type UploadComment } from './store-comments.ts';
