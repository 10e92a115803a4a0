export { parsePublicKeyLine, type Curve, type SshKeyLine, type SshPublicKey } from './public-key.ts';
export { parseSshSignature, sshSignedData, type SshSignature } from './sshsig.ts';
export { WireReader, writeStrings } from './wire.ts';
