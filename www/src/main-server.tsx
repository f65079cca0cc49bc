import { boot } from "./boot.tsx";
import { Extras } from "./server/extras.tsx";
import { config } from "./shell/config.ts";
import { openHttp } from "./source-http.ts";
import { SECOND } from "./util/time.ts";

/** The pages of a server: its store, over its API. */
boot({
  open: () =>
    Promise.resolve(
      openHttp({ address: config.apiBaseURL, refreshMs: config.refreshSeconds * SECOND }),
    ),
  hasMemory: false,
  welcome: () => import("./server/welcome.tsx"),
  words: {
    offline: ["The server does not answer", "What is shown is the newest that came. {}"],
    busy: ["The server is busy", "Try again shortly. {}"],
    forbidden: ["The server refuses this page", "{}"],
    "too-large": ["This is more than the server takes at once", "{}"],
    "unknown-database": ["There is no such database", "{}"],
    closed: ["The server is being stopped", "{}"],
    poisoned: [
      "Writing is stopped after a failed write",
      "What is stored can still be read. The server has to be started again. {}",
    ],
    unsupported: ["A server cannot do this", "{}"],
    locked: ["The data is in use", "{}"],
    "no-space": [
      "The server’s storage is full",
      "Nothing that was stored is lost. Free disk space, then try again. {}",
    ],
  },
  Extras,
});
