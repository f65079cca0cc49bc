/** The measured day, as `cargo run --bin workload` writes it. */

export const METRICS = 84;
export const TICKS = 8640;
export const START = 1_767_225_600_000_000_000n;
export const STEP = 10_000_000_000n;
export const END = START + STEP * BigInt(TICKS - 1);
export const MINUTE = 60_000_000_000n;

/** The day as columns. */
export async function columns() {
  return split(await (await fetch("/workload.bin")).arrayBuffer());
}

/** For each metric its name, whether it has integers, and its values. */
export function split(bytes) {
  const size = 1 + TICKS * 4;
  return Array.from({ length: METRICS }, (_, metric) => {
    const isInteger = new Uint8Array(bytes, metric * size, 1)[0] === 1;
    const values = bytes.slice(metric * size + 1, (metric + 1) * size);
    return {
      name: `host01.m${String(metric).padStart(2, "0")}`,
      isInteger,
      values: isInteger ? new Int32Array(values) : new Float32Array(values),
    };
  });
}

export function times(first = START, count = TICKS) {
  return BigInt64Array.from({ length: count }, (_, tick) => first + STEP * BigInt(tick));
}

/** Milliseconds that `work` takes. */
export async function timed(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** The middle of the times of several runs, after one that does not count. */
export async function median(runs, work) {
  await work();
  const all = [];
  for (let run = 0; run < runs; run += 1) {
    all.push(await timed(work));
  }
  all.sort((a, b) => a - b);
  return all[Math.floor(runs / 2)];
}

/** Ticks that are stored one by one, each durable before the next. */
export const DURABLE_TICKS = 200;
/** Values of such a tick. */
export const TICK_VALUES = 80;
