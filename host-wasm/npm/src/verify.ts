/** Checks a database partition by partition, so that no call takes long. */
import type { FileCheck, PartitionInfo, ProgressOptions } from "./api.js";
import type { Backend } from "./backend.js";
import { NanotdbError } from "./error.js";

/** Checks every byte of every file, the log last. */
export async function verify(
  backend: Backend,
  database: string,
  options: ProgressOptions,
): Promise<readonly FileCheck[]> {
  const { signal, onProgress } = options;
  const partitions = await backend.call("partitions", { database }, { signal });
  const total = partitions.reduce((sum, partition) => sum + bytesOf(partition), 0);
  const checks: FileCheck[] = [];
  let bytes = 0;
  for (const info of partitions) {
    const { partition } = info;
    try {
      checks.push(...(await backend.call("verify", { database, partition }, { signal })));
    } catch (thrown) {
      // Retention may have taken it meanwhile.
      if (!(thrown instanceof NanotdbError && thrown.code === "invalid-partition")) {
        throw thrown;
      }
    }
    bytes += bytesOf(info);
    onProgress?.({ bytes, total, item: partition });
  }
  return [...checks, ...(await log(backend, database, signal))];
}

async function log(
  backend: Backend,
  database: string,
  signal: AbortSignal | undefined,
): Promise<FileCheck[]> {
  const { bytes, records, problems } = await backend.call(
    "inspectLog",
    { database, limit: 0 },
    { signal },
  );
  const file = `${database}.wal`;
  return bytes === 0 ? [] : [{ file, bytes, frames: records, samples: records, problems }];
}

function bytesOf({ files }: PartitionInfo): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}
