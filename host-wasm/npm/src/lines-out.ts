/** Lines out, partition by partition. */
import type { ExportLinesOptions, PartitionInfo } from "./api.js";
import type { Backend } from "./backend.js";
import { pieceStream, type Pieces } from "./bytes.js";
import { span } from "./times.js";

/** Stored bytes whose lines one call returns: some 20 MB of text. */
const SLICE_BYTES = 1024 * 1024;
const MAX_SLICES = 64n;

/** The samples of a range as lines, read as the reader asks for them. */
export async function exportLines(
  backend: Backend,
  database: string,
  options: ExportLinesOptions,
): Promise<ReadableStream<Uint8Array>> {
  const range = span(options.from, options.to);
  const partitions = await backend.call("partitions", { database }, options);
  return pieceStream(lines(backend, database, partitions, range, options));
}

async function* lines(
  backend: Backend,
  database: string,
  partitions: readonly PartitionInfo[],
  range: { from: bigint; to: bigint },
  options: ExportLinesOptions,
): Pieces {
  const metrics = options.metrics;
  for (const partition of partitions) {
    for (const { from, to } of slices(partition, range)) {
      const args = { database, from, to, metrics };
      yield* await backend.call("exportLines", args, { signal: options.signal });
    }
  }
}

/** The part of a partition that is wanted, cut where it is large. */
function* slices(
  partition: PartitionInfo,
  range: { from: bigint; to: bigint },
): Iterable<{ from: bigint; to: bigint }> {
  const first = range.from > partition.from ? range.from : partition.from;
  const last = range.to < partition.to ? range.to : partition.to;
  if (first > last) {
    return;
  }
  const bytes = partition.files.reduce((sum, file) => sum + file.bytes, 0);
  const wanted = BigInt(Math.ceil(bytes / SLICE_BYTES) || 1);
  const count = wanted < MAX_SLICES ? wanted : MAX_SLICES;
  const length = (last - first) / count + 1n;
  for (let from = first; from <= last; from += length) {
    const to = from + length - 1n;
    yield { from, to: to < last ? to : last };
  }
}
