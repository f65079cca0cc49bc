import Papa from "papaparse";
import type { Progress, Source } from "../source.ts";
import { formatCount } from "../util/format.ts";
import { Collector } from "./collector.ts";
import { mapRow, type CsvMapping } from "./csv-map.ts";
import type { Outcome, Rejected } from "./outcome.ts";

/** The beginning of a table. */
export interface CsvHead {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly delimiter: string;
}

const PREVIEW_BYTES = 128 * 1024;
const PREVIEW_ROWS = 50;
/** So many samples are held before those that are in order are written. */
const BATCH = 2_000_000;
const MOST_REJECTED = 1000;

/** Reads the header and the first rows. */
export async function readHead(content: Blob): Promise<CsvHead> {
  const text = await content.slice(0, PREVIEW_BYTES).text();
  const parsed = Papa.parse<string[]>(text, { preview: PREVIEW_ROWS + 1, skipEmptyLines: true });
  const [header = [], ...rows] = parsed.data;
  return { header, rows, delimiter: parsed.meta.delimiter };
}

/** Reads a whole table in and hands its samples over. */
export async function importCsv(
  source: Source,
  database: string,
  file: Blob,
  head: CsvHead,
  mapping: CsvMapping,
  options: { readonly signal: AbortSignal; readonly onProgress: (progress: Progress) => void },
): Promise<Outcome> {
  const collector = new Collector(mapping.type);
  const rejected: Rejected[] = [];
  let [rows, accepted, rejectedCount] = [0, 0, 0];
  const reject = (where: number | undefined, reason: string, count = 1) => {
    rejectedCount += count;
    if (rejected.length < MOST_REJECTED)
      rejected.push({ ...(where === undefined ? {} : { line: where }), reason });
  };
  const write = async () => {
    for (const day of collector.days()) {
      options.signal.throwIfAborted();
      const report = await source.addColumns(database, day, { signal: options.signal });
      accepted += report.accepted;
      const [first] = report.rejections;
      if (first !== undefined) {
        const more = report.rejected > 1 ? ` (${report.rejected} samples like this)` : "";
        reject(undefined, `${first.reason}${more}`, report.rejected);
      }
    }
  };
  await new Promise<void>((resolve, reject_) => {
    Papa.parse<string[]>(file as File, {
      delimiter: head.delimiter,
      skipEmptyLines: true,
      chunkSize: 1 << 20,
      chunk: (part, parser) => {
        for (const row of part.data) {
          rows++;
          if (rows === 1) continue; // the header
          for (const sample of mapRow(row, head.header, mapping)) {
            if ("problem" in sample) reject(rows, sample.problem);
            else collector.push(sample.metric, sample.time, sample.value);
          }
        }
        options.onProgress({ bytes: Math.min(part.meta.cursor, file.size), total: file.size });
        if (options.signal.aborted) {
          parser.abort();
          reject_(options.signal.reason);
          return;
        }
        parser.pause();
        const next = collector.count >= BATCH && collector.isSorted ? write() : Promise.resolve();
        next.then(
          // A task of its own: the page stays usable between two chunks.
          () => setTimeout(() => parser.resume()),
          (error: unknown) => {
            parser.abort();
            reject_(error);
          },
        );
      },
      complete: () => resolve(),
      error: reject_,
    });
  });
  await write();
  return {
    title: `${formatCount(accepted)} samples into ${database}`,
    rejected,
    rejectedCount,
  };
}
