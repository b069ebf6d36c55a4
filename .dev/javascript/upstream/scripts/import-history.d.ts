/** The sidecar's importer of Claude's transcripts, as far as our modules use it. */
export function parseSessionFile(file: string): Promise<object | null>;
export function importSession(dbModule: unknown, session: object): object;
export function scanAndImportSubagents(dbModule: unknown, session: string, file: string): Promise<{ imported: number }>;
export function writeSessionTokens(dbModule: unknown, session: string, tokensByModel: unknown): unknown;
