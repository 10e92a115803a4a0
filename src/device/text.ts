/** A file of a system as text: old descriptions are not all UTF-8. */
import type { DeviceFiles } from './ports.ts';

export async function readText(root: DeviceFiles, path: string, limit: number): Promise<string | undefined> {
  const bytes = await root.read(path, limit);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
