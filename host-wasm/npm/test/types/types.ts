/** What the compiler makes of the package: checked, never run. */
import { expectTypeOf } from "expect-type";
import {
  NanotdbError,
  open,
  type AddReport,
  type Aggregate,
  type Chart,
  type ConvertReport,
  type ErrorCode,
  type OpenOptions,
  type Sample,
  type Series,
  type Store,
  type StoreEvent,
  type Windows,
} from "nanotdb";

expectTypeOf(open).parameter(0).toEqualTypeOf<string>();
expectTypeOf(open).parameter(1).toEqualTypeOf<OpenOptions | undefined>();
expectTypeOf(open).returns.toEqualTypeOf<Promise<Store>>();

export async function use(): Promise<void> {
  await using store = await open("root", { storage: "memory", patience: 10 });
  expectTypeOf(await store.last("home", "m")).toEqualTypeOf<Sample | undefined>();
  expectTypeOf(
    await store.query("home", "m", { from: 1n, to: new Date() }),
  ).toEqualTypeOf<Series>();
  expectTypeOf(await store.queryMany("home", ["m"])).toEqualTypeOf<readonly Series[]>();
  const window = { from: 0n, to: 1n, window: "1h", aggregates: ["avg"] as const };
  expectTypeOf(await store.aggregate("home", "m", window)).toEqualTypeOf<Windows>();
  const chart = { from: 0n, to: 1n, points: 800, method: "lttb" } as const;
  expectTypeOf(await store.chart("home", "m", chart)).toEqualTypeOf<Chart>();
  // @ts-expect-error: there is no such method
  await store.chart("home", "m", { ...chart, method: "sharp" });
  const columns = { metric: "m", times: new BigInt64Array(1), values: new Int32Array(1) };
  expectTypeOf(await store.addColumns("home", [columns])).toEqualTypeOf<AddReport>();
  const convert = { format: "v2" } as const;
  expectTypeOf(await store.convert("home", convert)).toEqualTypeOf<readonly ConvertReport[]>();
  expectTypeOf(await store.exportRoot()).toEqualTypeOf<ReadableStream<Uint8Array>>();
  expectTypeOf(store.subscribe).parameter(0).parameter(0).toEqualTypeOf<StoreEvent>();

  // @ts-expect-error: numbers are no times, their unit would be a guess
  await store.add("home", "m", 1, { time: 5 });
  // @ts-expect-error: values are 32 bits wide
  await store.addColumns("home", { ...columns, values: new Float64Array(1) });
  // @ts-expect-error: there is no such aggregate
  await store.aggregate("home", "m", { ...window, aggregates: ["mode"] });
  // @ts-expect-error: nothing builds that any more
  await open("root", { metricFormat: "v1" });
  // @ts-expect-error: there is no such storage
  await open("root", { storage: "disk" });
  // @ts-expect-error: what is read does not change the store
  (await store.databases()).push("more");
}

export function branch(error: unknown): ErrorCode | undefined {
  if (error instanceof NanotdbError) {
    expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
    return error.code;
  }
  return undefined;
}

expectTypeOf<"p95">().toExtend<Aggregate>();
