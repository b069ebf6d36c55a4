/** The database of the sidecar, as far as our modules use it: `better-sqlite3`, or upstream's wrapper of `node:sqlite`. */

interface Statement {
  run(...values: unknown[]): { changes: number; lastInsertRowid: number | bigint };
  get(...values: unknown[]): any;
  all(...values: unknown[]): any[];
}

export const db: {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  transaction<Work extends (...values: any[]) => any>(work: Work): Work;
};

export const stmts: Record<string, Statement>;

/** On the v2 line: what it ships of prices for Codex, by row: a pattern, a name, and twelve prices. */
export const DEFAULT_GPT_PRICING: [pattern: string, name: string, ...prices: number[]][];
