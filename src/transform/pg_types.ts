/** The types of what we use of `pg` 8, which has none of its own. */
export interface QueryResult {
  rows: Record<string, unknown>[];
  rowCount: number | null;
}

export interface ClientConfig {
  connectionString: string;
  application_name: string;
  connectionTimeoutMillis: number;
}

export declare class Client {
  constructor(config: ClientConfig);
  connect(): Promise<void>;
  query(sql: string, values?: readonly (string | number)[]): Promise<QueryResult>;
  query<Submitted extends object>(submitted: Submitted): Submitted;
  on(event: "error", listener: (error: Error) => void): void;
  end(): Promise<void>;
}
