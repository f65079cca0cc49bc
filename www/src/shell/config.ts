/** What a server tells its pages; without a server all is as usual. */
export interface Config {
  readonly basePath: string;
  readonly editorPath: string;
  readonly explorePath: string;
  readonly enginePath: string;
  readonly refreshSeconds: number;
  /** Where the API is; empty for where the pages are. */
  readonly apiBaseURL: string;
  /** A title instead of the program's name. */
  readonly title: string;
}

const USUAL: Config = {
  basePath: "/dashboard",
  editorPath: "/dashboard/edit",
  explorePath: "/explore",
  enginePath: "/engine",
  refreshSeconds: 10,
  apiBaseURL: "",
  title: "",
};

function given(): Partial<Config> | null {
  if (typeof document === "undefined") return null;
  const text = document.getElementById("config")?.textContent ?? "null";
  return JSON.parse(text) as Partial<Config> | null;
}

export const config: Config = { ...USUAL, ...given() };

/** Where the pages are. */
export const paths = {
  dashboard: config.basePath,
  editor: config.editorPath,
  explore: config.explorePath,
  engine: config.enginePath,
} as const;

/** What the whole is called, in the titles of its pages. */
export const productName = config.title === "" ? "NanoTDB" : config.title;
