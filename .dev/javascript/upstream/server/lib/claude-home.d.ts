/** Where the sidecar looks for Claude's transcripts. */
export function getProjectsDir(): string;
