/** Hands a file to the person: nothing leaves the machine. */
export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // Not at once: some browsers read the address only after the click's task.
  setTimeout(() => URL.revokeObjectURL(url), 30_000);
}

/** Collects a stream for {@link download}, telling how far it is. */
export async function collect(
  stream: ReadableStream<Uint8Array>,
  type: string,
  onBytes?: (bytes: number) => void,
): Promise<Blob> {
  const parts: Blob[] = [];
  let bytes = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts, { type });
    // As blobs, which browsers move to disk when they grow.
    parts.push(new Blob([value as Uint8Array<ArrayBuffer>]));
    bytes += value.byteLength;
    onBytes?.(bytes);
  }
}
