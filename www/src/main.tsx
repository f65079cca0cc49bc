import { boot } from "./boot.tsx";
import { keepForOffline } from "./offline/register.ts";

/** The page that keeps its data in the browser. */
boot({
  async open(storage) {
    const { openLocal } = await import("./source-local.ts");
    return openLocal(storage);
  },
  hasMemory: true,
  welcome: () => import("./welcome/welcome.tsx"),
  words: {},
});
keepForOffline();
