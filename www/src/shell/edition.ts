import type { ComponentType } from "preact";
import type { Source } from "../source.ts";

/** What differs between the page that keeps data in the browser and that of a server. */
export interface Edition {
  /** Opens the source. */
  open(storage: "files" | "memory"): Promise<Source>;
  /** Whether it can go on in memory where there are no files. */
  readonly hasMemory: boolean;
  /** What an empty store shows. */
  welcome(): Promise<{ readonly Welcome: ComponentType<{ readonly source: Source }> }>;
  /** Words for failures that mean something else here, as in `explain.ts`. */
  readonly words: Readonly<Record<string, readonly [title: string, text: string]>>;
  /** What is always on the page beside its content, such as a question for a password. */
  readonly Extras?: ComponentType;
}

let chosen: Edition | undefined;

/** Sets the edition, before anything else happens. */
export function chooseEdition(edition: Edition): void {
  chosen = edition;
}

export function edition(): Edition {
  if (chosen === undefined) throw new Error("No edition was chosen.");
  return chosen;
}

/** Words of the edition, if one was chosen: there is none in unit tests. */
export function editionWords(code: string): readonly [title: string, text: string] | undefined {
  return chosen?.words[code];
}
