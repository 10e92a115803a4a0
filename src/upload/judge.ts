/**
 * Who uploads, and whether they may: the signature of the `.changes` decides, as that of a tag does. What is in the
 * files is the archive's to judge.
 */
import { parseChanges, type Changes } from '../formats/deb/changes.ts';
import { describeError, SheafError } from '../kit/error.ts';
import { matchesAnyGlob } from '../kit/glob.ts';
import type { Suite } from '../model/distribution.ts';
import type { InputFile } from '../model/job.ts';
import type { Label } from '../model/names.ts';
import type { DocumentSignature, UploadDeps } from './ports.ts';

export type JudgeRequest = {
  readonly suite: Suite;
  readonly files: readonly InputFile[];
  /** The administrator of the machine vouches for the files: no signature is asked for, none is looked at. */
  readonly unsigned: boolean;
};

export type Judgement = {
  /** Whose key signed, however the judgement ends. */
  readonly signer: Label | undefined;
  /** As far as it could be read. */
  readonly source: string | undefined;
  /** Everything against it; empty when it may come. */
  readonly reasons: readonly string[];
  /** The `.changes`, its date, and its signature, as far as they could be read. */
  readonly changes?: InputFile | undefined;
  readonly date?: Date | undefined;
  readonly signature?: DocumentSignature['signature'];
};

const largestChanges = 2 ** 22;

export async function judgeUpload(deps: UploadDeps, request: JudgeRequest, now: Date): Promise<Judgement> {
  const { suite, unsigned } = request;
  const described = request.files.filter((file) => file.name.endsWith('.changes'));
  const [file] = described;
  if (file === undefined || described.length > 1) {
    const reason =
      file === undefined
        ? 'Nothing says who uploads: there is no .changes with a signature; sign one with debsign, or use --unsigned on the server itself'
        : `An upload has one .changes: ${described.length} were given`;
    return { signer: undefined, source: undefined, reasons: unsigned && file === undefined ? [] : [reason] };
  }
  if (file.size > largestChanges) {
    return {
      signer: undefined,
      source: undefined,
      reasons: [`${file.name}: it is larger than ${largestChanges} bytes`],
    };
  }
  const bytes = await deps.blobs.read(file.sha256);
  if (unsigned) {
    const { changes, reason } = readText(decode(bytes), file.name);
    if (changes === undefined) return { signer: undefined, source: undefined, reasons: [reason] };
    const own = { changes: file, date: dateOf(changes) };
    return { signer: undefined, source: changes.source, reasons: placeReasons(suite, changes), ...own };
  }
  const signature = await deps.verifyDocument(bytes, [...deps.distribution.people.values()], now);
  const reasons = signature.problems.map((problem) => `${file.name}: ${problem}`);
  const asFile = readText(decode(bytes), file.name);
  const { changes, reason } = signature.text === undefined ? asFile : readText(signature.text, file.name);
  if (changes === undefined) {
    // The archive says it too, with lines of the file.
    return { signer: signature.signer, source: undefined, reasons: [...reasons, asFile.reason ?? reason] };
  }
  // The archive reads the file, the signature is over the text within: both must say the same.
  if (asFile.changes === undefined || facts(asFile.changes) !== facts(changes)) {
    reasons.push(`${file.name}: the text that is signed is not the text of the file`);
  }
  reasons.push(...permissionReasons(deps, suite, changes, signature.signer), ...placeReasons(suite, changes));
  const own = { changes: file, date: dateOf(changes), signature: signature.signature };
  return { signer: signature.signer, source: changes.source, reasons, ...own };
}

/** deb-changes(5): that of the changelog entry. Nothing that a build could not be told. */
function dateOf(changes: Changes): Date | undefined {
  const time = Date.parse(changes.date);
  return time >= 0 && time < 2 ** 42 ? new Date(time) : undefined;
}

function readText(
  text: string,
  name: string,
):
  | { readonly changes: Changes; readonly reason?: undefined }
  | { readonly changes?: undefined; readonly reason: string } {
  try {
    return { changes: parseChanges(text, name) };
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    return { reason: describeError(error) };
  }
}

function facts(changes: Changes): string {
  return JSON.stringify({ ...changes, stanza: undefined });
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function permissionReasons(deps: UploadDeps, suite: Suite, { source }: Changes, signer: Label | undefined): string[] {
  if (signer === undefined) return [];
  const may = deps.distribution.people
    .get(signer)
    ?.permissions.some(
      (permission) => matchesAnyGlob(permission.packages, source) && matchesAnyGlob(permission.suites, suite.name),
    );
  return may === true
    ? []
    : [`${signer} may not release ${source} into ${suite.name}: see may-release of the person in sheaf.toml`];
}

/** The signature covers Distribution: so an upload cannot be replayed into another suite. */
function placeReasons(suite: Suite, { source, distributions }: Changes): string[] {
  const wrong = distributions.filter((name) => !suite.distributions.includes(name));
  return [
    ...(matchesAnyGlob(suite.packages, source)
      ? []
      : [`Suite "${suite.name}" takes no source package ${source}: see packages of the suite in sheaf.toml`]),
    ...(wrong.length === 0
      ? []
      : [
          `The .changes is for ${wrong.map((name) => `"${name}"`).join(', ')}; suite "${suite.name}" takes ${suite.distributions.join(', ')}`,
        ]),
  ];
}
