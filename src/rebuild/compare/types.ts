/**
 * What two packages differ in, as values that print as JSON: `left` and `right` are the two, and what one of them does
 * not have is left out. Texts of the packages are cut and free of control characters.
 */

/** `control` and `data` are the archives of deb(5). */
export type DebPart = 'control' | 'data';

export type Side = 'left' | 'right';

type Both<T> = { readonly left: T; readonly right: T };
type Either<T> = { readonly left?: T; readonly right?: T };

export type ComparedFile = { readonly file: string; readonly size: number; readonly sha256: string };

export type DebComparison = Both<ComparedFile> & {
  /** The same bytes. */
  readonly equal: boolean;
  /** Weightiest kinds first. */
  readonly differences: readonly DebDifference[];
  /** Differences that are not listed, because there are too many. */
  readonly omitted: number;
};

/** What is in the outer `ar` archive. */
type MemberDifference =
  /** Names in their order. */
  | ({ readonly kind: 'members' } & Both<readonly string[]>)
  | ({ readonly kind: 'member-time'; readonly member: string } & Both<string>)
  /** Of what is neither control nor data. */
  | ({ readonly kind: 'member-content'; readonly member: string } & Both<{ readonly size: number }>)
  /** The archive inside is the same, byte for byte; only its compression is not. */
  | ({ readonly kind: 'compression'; readonly part: DebPart } & Both<{
      readonly method: string;
      readonly size: number;
    }>)
  /** The archive inside differs, in what is not told here: forms of headers, or what fills them up. */
  | { readonly kind: 'archive-form'; readonly part: DebPart };

/** What the control file says. */
type FieldDifference =
  | ({ readonly kind: 'field'; readonly field: string } & Either<string>)
  /** A relation to one package (or to alternatives): what follows its name. */
  | ({ readonly kind: 'relation'; readonly field: string; readonly package: string } & Either<string>);

/** What an entry of the control or data archive is. */
type EntryDifference = { readonly part: DebPart; readonly path: string } & (
  | { readonly kind: 'only'; readonly side: Side; readonly type: string; readonly size: number }
  | ({ readonly kind: 'type' | 'mode' | 'owner' | 'link' } & Both<string>)
  | ContentDifference
);

/** Entries with the same two times, as the clock shows them; `paths` are the first of `count`. */
type TimeDifference = Both<string> & {
  readonly kind: 'time';
  readonly part: DebPart;
  readonly paths: readonly string[];
  readonly count: number;
};

/** The same entries in another order; `path` is the first that is elsewhere. */
type OrderDifference = { readonly kind: 'order'; readonly part: DebPart; readonly path: string };

export type DebDifference = MemberDifference | FieldDifference | EntryDifference | TimeDifference | OrderDifference;

export type ContentFormat =
  | 'text'
  | 'elf'
  | 'gzip'
  | 'xz'
  | 'zstd'
  | 'bzip2'
  | 'tar'
  | 'zip'
  | 'library'
  | 'python'
  | 'png'
  | 'binary';

export type ContentDifference = Both<{ readonly size: number }> & {
  readonly kind: 'content';
  readonly format: ContentFormat;
  /** Empty when the file was too large to be looked into. */
  readonly details: readonly ContentDetail[];
  readonly omitted: number;
};

export type ContentDetail =
  /** Lines from a number (1 is the first) on; the first few of `removed` and `added`. */
  | {
      readonly kind: 'lines';
      readonly line: Both<number>;
      readonly removed: number;
      readonly added: number;
      readonly left: readonly string[];
      readonly right: readonly string[];
    }
  /**
   * The same lines, parts of an archive, or names in the symbol table of a program, in another order. `sorted` is the side
   * that is in order by bytes.
   */
  | { readonly kind: 'order'; readonly of: 'lines' | 'parts' | 'names' | 'sections'; readonly sorted?: Side }
  /** Of an ELF file: sizes; both the same when only the content differs. */
  | ({ readonly kind: 'section'; readonly section: string } & Either<number>)
  | ({ readonly kind: 'build-id' } & Either<string>)
  /** Readable text inside something that is not text, which only one side has. */
  | ({ readonly kind: 'strings'; readonly section?: string } & Both<readonly string[]>)
  /** What a header says: `time` or `name` of gzip, `time` of a Python file, `owner` of an entry of an archive. */
  | ({ readonly kind: 'header'; readonly field: string } & Either<string>)
  /** A part of an archive, a member of a library, a chunk of a picture: on one side only, or what differs in it. */
  | { readonly kind: 'part'; readonly name: string; readonly side: Side }
  | { readonly kind: 'part'; readonly name: string; readonly details: readonly ContentDetail[] }
  /** The first byte that differs, and some behind it in hexadecimal. */
  | ({ readonly kind: 'bytes'; readonly offset: number } & Both<string>);
