/** The actions of Delta's log, as its protocol spells them, one to a line of a commit. Times are milliseconds since 1970. */
export interface Protocol {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  readonly readerFeatures?: readonly string[];
  readonly writerFeatures?: readonly string[];
}

export interface MetaData {
  readonly id: string;
  readonly name: string;
  readonly format: { readonly provider: 'parquet'; readonly options: Readonly<Record<string, string>> };
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly createdTime: number;
}

/** A file that belongs to the table from this version on. */
export interface Add {
  /** Relative to the table's folder, percent-encoded as a URL is. */
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string>>;
  readonly size: number;
  readonly modificationTime: number;
  /** False where rows were only put into other files. */
  readonly dataChange: boolean;
  /** JSON. */
  readonly stats?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A file that does not belong to the table any more. It stays for those who read an older version. */
export interface Remove {
  readonly path: string;
  readonly deletionTimestamp: number;
  readonly dataChange: boolean;
  readonly extendedFileMetadata?: boolean;
  readonly partitionValues?: Readonly<Record<string, string>>;
  readonly size?: number;
}

/** How far a writer has come, by a name of its own. */
export interface Txn {
  readonly appId: string;
  readonly version: bigint;
  readonly lastUpdated: number;
}

export interface CommitInfo {
  readonly timestamp: number;
  readonly operation: string;
  readonly operationParameters: Readonly<Record<string, string>>;
  readonly engineInfo: string;
  /** Of this commit alone: who is not sure whether a commit is his own finds it out by this. */
  readonly txnId: string;
}

/** Exactly one of them is there. */
export interface Action {
  readonly protocol?: Protocol;
  readonly metaData?: MetaData;
  readonly add?: Add;
  readonly remove?: Remove;
  readonly txn?: Txn;
  readonly commitInfo?: CommitInfo;
}

/** Of ES2025's JSON, which TypeScript does not know yet: numbers beyond 2^53, to the last digit. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
type Reviver = (key: string, value: unknown, context: { readonly source: string }) => unknown;
const parse = JSON.parse as (text: string, reviver?: Reviver) => Action;

/** A txn's version is an LSN: 64 bits. */
export function actionToJson(action: Action): string {
  return JSON.stringify(action, (_, value) => (typeof value === 'bigint' ? rawJSON(String(value)) : value));
}

export function actionFromJson(json: string): Action {
  if (!json.includes('"txn"')) return parse(json);
  return parse(json, (key, value, { source }) =>
    key === 'version' && typeof value === 'number' ? BigInt(source) : value,
  );
}

/** A commit's content. */
export function encodeCommit(actions: readonly Action[]): Buffer {
  return Buffer.from(actions.map((action) => `${actionToJson(action)}\n`).join(''));
}

export function decodeCommit(content: Buffer): Action[] {
  return linesOf(content).map(actionFromJson);
}

/** A commit's actions, each as its JSON. */
export function linesOf(content: Buffer): string[] {
  const lines = content.toString().split('\n');
  return lines.map((line) => line.trim()).filter((line) => line !== '');
}
