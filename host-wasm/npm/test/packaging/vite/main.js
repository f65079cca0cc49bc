import { NanotdbError, open } from "nanotdb";

async function use() {
  const store = await open("consumer");
  await store.add("home", "kitchen.temperature", 21.5);
  const { values } = await store.query("home", "kitchen.temperature");
  const code = await store.query("nowhere", "m").catch((error) => {
    return error instanceof NanotdbError ? error.code : String(error);
  });
  await store.destroy();
  return { values: [...values], code };
}

window.result = await use().catch((error) => ({ failed: String(error) }));
