/** The dedicated worker of a page: it alone loads the engine and may open files. */
import init from "./engine.js";
import { errorFrom } from "./error.js";
import { MemoryHost } from "./memory.js";
import type { FromWorker, ToWorker } from "./rpc.js";
import { buffersOf, failure } from "./session-calls.js";
import { Tab, type Host, type Page } from "./tabs.js";

/** What of a worker's global scope is used; the page's types know only windows. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;

const page: Page = {
  reply: (id, reply) => scope.postMessage({ kind: "reply", id, reply }, buffersOf(reply)),
  tell: (event) => scope.postMessage({ kind: "event", event }),
  alive: (lock) => scope.postMessage({ kind: "alive", lock }),
  ended: ({ code, message }) => scope.postMessage({ kind: "ended", code, message }),
  // The lock of this worker goes with it, by which the page and the owner learn of it.
  fault: () => scope.close(),
};

// At once, while the lock is being asked for. Who needs the engine hears of a failure.
const loaded = init();
loaded.catch(() => undefined);

let host: Host | undefined;

scope.onmessage = ({ data: message }) => {
  switch (message.kind) {
    case "open":
      host =
        message.opening.storage === "memory"
          ? new MemoryHost(page, message.opening, loaded)
          : new Tab(page, message.opening, loaded);
      host.start().catch((thrown: unknown) => page.ended(errorFrom(thrown)));
      break;
    case "call":
      host?.call(message.id, message.request);
      break;
    case "abort":
      host?.abort(message.id);
      break;
    case "freeze":
      void host?.freeze();
      break;
    case "resume":
      void host?.resume();
      break;
    case "close":
      answer(message.id, host?.close());
      break;
    case "destroy":
      answer(message.id, host?.destroy());
      break;
  }
};

function answer(id: number, work: Promise<void> | undefined): void {
  Promise.resolve(work).then(
    () => page.reply(id, { ok: true, result: undefined }),
    (thrown: unknown) => page.reply(id, failure(errorFrom(thrown))),
  );
}
