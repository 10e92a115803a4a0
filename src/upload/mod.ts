/** Uploads by people: whose they are, whether they may come, and those that wait for somebody's decision. */
export { judgeUpload } from './judge.ts';
export type { UploadDeps } from './ports.ts';
export {
  decideUpload,
  findHeldFiles,
  findNewUpload,
  holdUpload,
  listNewUploads,
  recordRefusal,
  type NewUpload,
} from './store.ts';
