import { describe, expect, it } from "vitest";
import { FrameReader, writeFrame } from "../../src/server/frame.ts";
import { sendLines } from "../../src/server/lines.ts";

describe("frames", () => {
  // The same bytes as in the server's `frame.rs`.
  const GOLDEN = [
    ...[6, 0, 0, 0, 0, 0, 0, 0],
    ...new TextEncoder().encode('["ab"]\0\0'),
    ...[1, 0, 0, 0, 0, 0, 0, 0],
    ...[2, 0, 0, 0, 0, 0, 0, 0],
  ];

  it("are written as the server reads them", () => {
    const bytes = writeFrame(["ab"], [Uint32Array.of(1), BigInt64Array.of(2n)]);
    expect([...bytes]).toEqual(GOLDEN);
  });

  it("are read as views", () => {
    const { buffer } = Uint8Array.from(GOLDEN);
    const frame = new FrameReader<string[]>(buffer);
    expect(frame.header).toEqual(["ab"]);
    expect([...frame.ints(1)]).toEqual([1]);
    const times = frame.times(1);
    expect([...times]).toEqual([2n]);
    expect(times.buffer).toBe(buffer);
    expect(() => frame.doubles(1)).toThrow(RangeError);
  });
});

describe("lines", () => {
  const report = (lines: number) => ({
    totalLines: lines,
    importedLines: lines - 1,
    skippedLines: 0,
    rejectedLines: 1,
    rejections: [{ line: lines, reason: "no" }],
    databases: ["b", "a"],
  });

  it("go in whole lines, and their reports add up", async () => {
    const line = `home/m ${"1".repeat(90)}\n`;
    const text = line.repeat(30_000);
    const sent: string[] = [];
    const progress: number[] = [];
    const sum = await sendLines(
      async (chunk) => {
        sent.push(new TextDecoder().decode(chunk));
        return report(10);
      },
      new Blob([text]),
      { onProgress: ({ bytes }) => progress.push(bytes) },
    );
    expect(sent.length).toBeGreaterThan(2);
    expect(sent.join("")).toBe(text);
    expect(sent.every((chunk) => chunk.endsWith("\n"))).toBe(true);
    expect(progress.at(-1)).toBe(text.length);
    expect(sum.importedLines).toBe(9 * sent.length);
    expect(sum.rejections.map(({ line: at }) => at)).toEqual(sent.map((_, at) => 10 * (at + 1)));
    expect(sum.databases).toEqual(["a", "b"]);
  });

  it("stop when the caller says so", async () => {
    const controller = new AbortController();
    const sending = sendLines(
      async () => {
        controller.abort();
        return report(1);
      },
      "a/b 1\n".repeat(400_000),
      { signal: controller.signal },
    );
    await expect(sending).rejects.toMatchObject({ name: "AbortError" });
  });

  it("of nothing are nothing", async () => {
    const sum = await sendLines(() => Promise.reject(new Error("not asked")), "", {});
    expect(sum.totalLines).toBe(0);
  });
});
