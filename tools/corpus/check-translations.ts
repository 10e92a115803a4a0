/** Whether every description of Translation-en has the MD5 that its stanza says. */
import { createHash } from 'node:crypto';

import { isOwnDescription, readTranslations } from '../../src/formats/deb/translation.ts';
import { describeError } from '../../src/kit/error.ts';
import type { CorpusIndex } from './archive.ts';
import type { Findings } from './findings.ts';

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const check = 'descriptions with their MD5';

export function checkTranslations(index: CorpusIndex, findings: Findings): void {
  const place = `${index.suite} ${index.path}`;
  try {
    for (const translation of readTranslations(index.bytes, place)) {
      findings.count(check, 1);
      if (isOwnDescription(translation, md5)) continue;
      const { line } = translation.stanza.fields[0]!;
      findings.disagree(check, `${place}:${line}`, `${translation.package} has another text`);
    }
  } catch (error) {
    findings.disagree(check, place, describeError(error));
  }
}
