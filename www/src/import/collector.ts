import type { Columns, ValueType } from "../source.ts";

const DAY_NS = 86_400_000_000_000n;

/** A column that grows. */
class Growing {
  times = new BigInt64Array(256);
  values: Float32Array | Int32Array;
  length = 0;
  isSorted = true;

  constructor(type: ValueType) {
    this.values = type === "i32" ? new Int32Array(256) : new Float32Array(256);
  }

  push(time: bigint, value: number): void {
    if (this.length === this.times.length) {
      const times = new BigInt64Array(this.length * 2);
      const values =
        this.values instanceof Int32Array
          ? new Int32Array(this.length * 2)
          : new Float32Array(this.length * 2);
      times.set(this.times);
      values.set(this.values);
      [this.times, this.values] = [times, values];
    }
    if (this.length > 0 && time < this.times[this.length - 1]!) this.isSorted = false;
    this.times[this.length] = time;
    this.values[this.length] = value;
    this.length++;
  }

  /** Puts rows into the order of time; those of one time stay as they came. */
  sort(): void {
    if (this.isSorted) return;
    const order = Uint32Array.from({ length: this.length }, (_, row) => row);
    const { times, values } = this;
    order.sort((a, b) => (times[a]! < times[b]! ? -1 : times[a]! > times[b]! ? 1 : a - b));
    this.times = BigInt64Array.from(order, (row) => times[row]!);
    this.values =
      values instanceof Int32Array
        ? Int32Array.from(order, (row) => values[row]!)
        : Float32Array.from(order, (row) => values[row]!);
    this.isSorted = true;
  }
}

/**
 * Collects samples in any order and gives them out as a store wants them: sorted, and day by day
 * over all metrics. Metric by metric would begin each day anew, when it may be sealed already.
 */
export class Collector {
  readonly #columns = new Map<string, Growing>();
  readonly #type: ValueType;
  #count = 0;

  constructor(type: ValueType) {
    this.#type = type;
  }

  get count(): number {
    return this.#count;
  }

  get metrics(): readonly string[] {
    return [...this.#columns.keys()];
  }

  /** Whether each metric came in the order of time, so that what is there can go already. */
  get isSorted(): boolean {
    return [...this.#columns.values()].every((column) => column.isSorted);
  }

  push(metric: string, time: bigint, value: number): void {
    let column = this.#columns.get(metric);
    if (column === undefined) {
      column = new Growing(this.#type);
      this.#columns.set(metric, column);
    }
    column.push(time, value);
    this.#count++;
  }

  /** Gives everything out and begins anew. */
  *days(): Generator<readonly Columns[]> {
    const open = [...this.#columns].map(([metric, column]) => {
      column.sort();
      return { metric, column, at: 0 };
    });
    this.#columns.clear();
    this.#count = 0;
    for (;;) {
      let first: bigint | undefined;
      for (const { column, at } of open) {
        const time = at < column.length ? column.times[at]! : undefined;
        if (time !== undefined && (first === undefined || time < first)) first = time;
      }
      if (first === undefined) return;
      const end = (first / DAY_NS + (first < 0n ? 0n : 1n)) * DAY_NS;
      const day: Columns[] = [];
      for (const own of open) {
        const start = own.at;
        own.at = lowerBound(own.column.times, end, start, own.column.length);
        if (own.at === start) continue;
        day.push({
          metric: own.metric,
          times: own.column.times.slice(start, own.at),
          values: own.column.values.slice(start, own.at),
        });
      }
      yield day;
    }
  }
}

/** The first row at or after `time`. */
function lowerBound(times: BigInt64Array, time: bigint, from: number, to: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
