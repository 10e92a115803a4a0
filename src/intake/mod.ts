/** Intake: who may bring which source package into which suite, told from a signed git tag. */
export { exportSource, type SourceExport } from './export.ts';
export { exportWorkingTree, type WorkingSource } from './working-tree.ts';
export { judgeTag, type Judgement } from './judge.ts';
export type { IntakeDeps } from './ports.ts';
export { receiveTag } from './receive.ts';
export { admitUploads, refuseUploads, wakeUploads, type UploadAdmission } from './uploads.ts';
export { findTagBuild, finishTagBuild, finishTagBuilds, listOpenTagBuilds, noteObstacle } from './tag-builds.ts';
