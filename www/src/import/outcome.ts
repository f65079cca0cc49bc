/** A line or row that was not taken. */
export interface Rejected {
  readonly line?: number;
  readonly reason: string;
}

/** What an import did, for people. */
export interface Outcome {
  readonly title: string;
  readonly rejected: readonly Rejected[];
  readonly rejectedCount: number;
}
