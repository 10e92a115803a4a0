/** Access: who is asking, and what they may manage. */
export { managersOf, mayManage } from './may.ts';
export {
  createAccess,
  endAccess,
  findAccess,
  listAccess,
  signIn,
  signOut,
  type Access,
  type AccessKind,
  type Granted,
} from './store.ts';
