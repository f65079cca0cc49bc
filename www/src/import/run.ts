import type { Progress, RootFile, Source } from "../source.ts";
import { checkDashboard } from "../dashboard/validate.ts";
import { saveDashboard } from "../dashboard/storage.ts";
import { formatBytes, formatCount, plural } from "../util/format.ts";
import { unpacked, type Found } from "./detect.ts";
import { importCsv, type CsvHead } from "./csv-run.ts";
import type { CsvMapping } from "./csv-map.ts";
import type { Outcome } from "./outcome.ts";

/** What was chosen for something to import. */
export interface Choice {
  /** Lines: takes the place of theirs. Tables: where they go. */
  readonly database: string;
  /** Directories: removes what the store has. */
  readonly replace: boolean;
  readonly csv?: { readonly head: CsvHead; readonly mapping: CsvMapping };
}

interface RunOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** Imports one thing. */
export async function run(
  source: Source,
  found: Found,
  choice: Choice,
  options: RunOptions,
): Promise<Outcome> {
  switch (found.kind) {
    case "lines":
      return lines(source, found.file, choice, options);
    case "csv": {
      if (choice.csv === undefined) throw new Error("The table has no columns.");
      const { head, mapping } = choice.csv;
      const content = found.file.name.endsWith(".gz")
        ? await new Response(unpacked(found.file)).blob()
        : found.file;
      return importCsv(source, choice.database, content, head, mapping, options);
    }
    case "archive":
      return root(source, found.file, choice, options);
    case "folder":
      return root(source, storeFiles(found), choice, options);
    case "dashboard": {
      const document: unknown = JSON.parse(await found.file.text());
      const { errors } = checkDashboard(document);
      if (errors.length > 0) throw new Error(errors.join(" "));
      await saveDashboard(source, document);
      return {
        title: "The dashboard was replaced; its predecessor is kept as a backup",
        rejected: [],
        rejectedCount: 0,
      };
    }
  }
}

async function lines(
  source: Source,
  file: File,
  choice: Choice,
  options: RunOptions,
): Promise<Outcome> {
  const report = await source.addLines(unpacked(file), {
    ...options,
    ...(choice.database === "" ? {} : { database: choice.database }),
  });
  const into = report.databases.length === 0 ? "" : ` into ${report.databases.join(", ")}`;
  return {
    title: `${formatCount(report.importedLines)} of ${plural(report.totalLines, "line")}${into}`,
    rejected: report.rejections,
    rejectedCount: report.rejectedLines,
  };
}

async function root(
  source: Source,
  content: Blob | Iterable<RootFile>,
  choice: Choice,
  options: RunOptions,
): Promise<Outcome> {
  if (!source.capabilities.canImportRoot) {
    throw new Error(
      "A running server cannot take a whole data directory in. Stop it and copy the files to its own.",
    );
  }
  const report = await source.importRoot(content, { ...options, replace: choice.replace });
  const names = report.databases.length === 0 ? "no database" : report.databases.join(", ");
  return {
    title: `${names}: ${plural(report.files, "file")}, ${formatBytes(report.bytes)}`,
    rejected: report.problems.map((reason) => ({ reason })),
    rejectedCount: report.problems.length,
  };
}

function storeFiles(found: Extract<Found, { kind: "folder" }>): RootFile[] {
  return found.entries.map(({ path, file }) => ({ path, content: file }));
}
