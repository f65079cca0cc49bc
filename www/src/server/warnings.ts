import { warn } from "../shell/toasts.tsx";

/** The header in which a server says what an answer lacks. */
export const WARNINGS_HEADER = "nanotdb-warnings";

const told = new Set<string>();

/** Says what an answer lacks, each place once: charts ask again and again. */
export function tellWarnings(header: string | null): void {
  if (header === null) return;
  const fresh = parsed(header).filter((warning) => !told.has(warning));
  fresh.forEach((warning) => told.add(warning));
  if (fresh.length > 0) {
    warn("Some of the data cannot be read", `Everything else is shown. ${fresh.join("; ")}`);
  }
}

function parsed(header: string): readonly string[] {
  try {
    const warnings: unknown = JSON.parse(header);
    return Array.isArray(warnings) ? warnings.map(String) : [header];
  } catch {
    return [header];
  }
}
