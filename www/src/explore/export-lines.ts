import type { Source } from "../source.ts";
import { notify } from "../shell/toasts.tsx";
import { collect, download } from "../util/download.ts";
import { formatBytes } from "../util/format.ts";
import { toNs } from "../util/time.ts";

/** Which samples, in milliseconds; all of them without. */
export interface LinesRange {
  readonly from?: number;
  readonly to?: number;
  readonly metrics?: readonly string[];
}

/** Downloads samples as line protocol, which every import takes again. */
export async function exportLines(
  source: Source,
  database: string,
  { from, to, metrics }: LinesRange,
  name: string,
): Promise<void> {
  const stream = await source.exportLines(database, {
    ...(from === undefined ? {} : { from: toNs(from) }),
    ...(to === undefined ? {} : { to: toNs(to) }),
    ...(metrics === undefined ? {} : { metrics }),
  });
  const content = await collect(stream, "text/plain");
  download(name, content);
  notify("Exported", `${name}, ${formatBytes(content.size)}`);
}
