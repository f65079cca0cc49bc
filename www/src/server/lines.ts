import type { AddLinesOptions, LineSource, LinesReport } from "nanotdb";

/** Bytes of lines that one request carries: browsers cannot stream a body over HTTP/1. */
const CHUNK_BYTES = 1024 * 1024;
/** Rejected lines that a report names. */
const MAX_REJECTIONS = 1000;
const LINE_END = 0x0a;

/** Sends lines in requests that each carry whole ones. What was taken before a failure stays. */
export async function sendLines(
  send: (chunk: Uint8Array<ArrayBuffer>) => Promise<LinesReport>,
  source: LineSource,
  { signal, onProgress }: AddLinesOptions,
): Promise<LinesReport> {
  let sum: LinesReport = {
    totalLines: 0,
    importedLines: 0,
    skippedLines: 0,
    rejectedLines: 0,
    rejections: [],
    databases: [],
  };
  let bytes = 0;
  for await (const chunk of chunks(source)) {
    signal?.throwIfAborted();
    sum = plus(sum, await send(chunk));
    bytes += chunk.length;
    onProgress?.({ bytes });
  }
  return sum;
}

async function* chunks(source: LineSource): AsyncIterable<Uint8Array<ArrayBuffer>> {
  const body = new Response(source as BodyInit).body;
  if (body === null) return;
  const reader = body.getReader();
  let waiting: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      for (let at = 0; at < value.length; at += CHUNK_BYTES) {
        const part = value.subarray(at, at + CHUNK_BYTES);
        waiting.push(part);
        length += part.length;
        if (length < CHUNK_BYTES) continue;
        const gathered = joined(waiting, length);
        // The server refuses lines that are longer than this, so a part of one will do.
        const end = gathered.lastIndexOf(LINE_END) + 1 || gathered.length;
        yield gathered.slice(0, end);
        waiting = [gathered.slice(end)];
        length -= end;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  if (length > 0) yield joined(waiting, length);
}

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

function plus(sum: LinesReport, next: LinesReport): LinesReport {
  const moved = next.rejections.map(({ line, reason }) => ({
    line: sum.totalLines + line,
    reason,
  }));
  return {
    totalLines: sum.totalLines + next.totalLines,
    importedLines: sum.importedLines + next.importedLines,
    skippedLines: sum.skippedLines + next.skippedLines,
    rejectedLines: sum.rejectedLines + next.rejectedLines,
    rejections: [...sum.rejections, ...moved].slice(0, MAX_REJECTIONS),
    databases: [...new Set([...sum.databases, ...next.databases])].sort(),
  };
}
