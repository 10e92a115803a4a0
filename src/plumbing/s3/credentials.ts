/** Who we are to a bucket: said by the settings with a secret file, or by the environment. */
import { SheafError } from '../../kit/error.ts';
import type { Bucket } from '../../model/distribution.ts';
import { readSecretFile } from '../secret-file.ts';
import type { Credentials } from './sign.ts';

/**
 * Both parts from `bucket`'s settings, or both from the environment. `section` is what sheaf.toml calls it, such as
 * `mirror.far`. Throws `no-access-key`, `no-secret`, `secret-exposed`.
 */
export async function bucketCredentials(
  section: string,
  { accessKey, secretFile }: Pick<Bucket, 'accessKey' | 'secretFile'>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentials> {
  if (accessKey !== undefined) return { accessKey, secretKey: await readSecretFile(secretFile) };
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secretKey, AWS_SESSION_TOKEN: sessionToken } = env;
  if (id !== undefined && secretKey !== undefined) return { accessKey: id, secretKey, sessionToken };
  throw new SheafError('no-access-key', `Cannot use the bucket of [${section}]: it has no access key`, {
    kind: 'environment',
    hint: `Set access-key in [${section}] with the secret in ${secretFile}, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.`,
  });
}
