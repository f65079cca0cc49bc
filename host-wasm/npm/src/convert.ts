/** Converts metric files partition by partition, so that no call takes long. */
import type { ConvertOptions, ConvertReport } from "./api.js";
import type { Backend } from "./backend.js";

/** Converts one metric file, or all of a database. */
export async function convert(
  backend: Backend,
  database: string,
  options: ConvertOptions,
): Promise<readonly ConvertReport[]> {
  const { format, partition: only, signal, onProgress } = options;
  if (only !== undefined) {
    return [await backend.call("convert", { database, partition: only, format }, { signal })];
  }
  const partitions = await backend.call("partitions", { database }, { signal });
  const metricFiles = partitions.flatMap(({ partition, files }) =>
    files.filter(({ kind }) => kind === "metric").map((file) => ({ partition, ...file })),
  );
  const total = metricFiles.reduce((sum, file) => sum + file.bytes, 0);
  const reports: ConvertReport[] = [];
  let bytes = 0;
  for (const { partition, bytes: length } of metricFiles) {
    reports.push(await backend.call("convert", { database, partition, format }, { signal }));
    bytes += length;
    onProgress?.({ bytes, total, item: partition });
  }
  return reports;
}
