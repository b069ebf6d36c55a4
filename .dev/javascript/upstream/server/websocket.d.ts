/** What the sidecar tells its open pages. */
export function broadcast(type: string, data: unknown): void;
