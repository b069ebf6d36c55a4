/** What the sidecar knows of Claude's transcripts. */
export const transcriptCache: { extract(file: string): { tokensByModel: unknown; latestModel: string | null } | null };
