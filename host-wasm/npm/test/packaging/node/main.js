import { createRequire } from "node:module";
import { NanotdbError, open } from "nanotdb";

const { version } = createRequire(import.meta.url)("nanotdb/package.json");
const store = await open("data");
await store.add("home", "kitchen.temperature", 21.5);
await store.close();
const again = await open("data");
const { values } = await again.query("home", "kitchen.temperature");
const code = await again.query("nowhere", "m").catch((error) => {
  return error instanceof NanotdbError ? error.code : String(error);
});
const stats = await again.stats();
await again.destroy();
console.log(JSON.stringify({ values: [...values], code, sameVersion: stats.version === version }));
