/** A directory on `node:fs`: it stays, and one process at a time has it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import test from "node:test";
import { open } from "nanotdb";
import { column, rejects, temporary } from "./support.js";

const LOCK = ".nanotdb.node.lock";

test("what was closed is there again", async (t) => {
  const directory = path.join(temporary(), "made/on/demand");
  const store = await open(directory);
  await store.addColumns("home", column("m", 5000));
  await store.close();
  assert.ok(!fs.existsSync(path.join(directory, LOCK)));
  const again = await open(directory);
  assert.equal((await again.query("home", "m")).times.length, 5000);
  await again.close();
});

test("a second store on the same directory is refused", async (t) => {
  const directory = temporary();
  const store = await open(directory);
  await rejects(open(directory), "locked");
  await store.close();
  await (await open(directory)).close();
});

test("another process is refused, and one that was killed is not waited for", async (t) => {
  const directory = temporary();
  const script = `
    import { open } from "nanotdb";
    const store = await open(${JSON.stringify(directory)});
    await store.add("home", "m", 7);
    console.log("ready");
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: new URL(".", import.meta.url),
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  await rejects(open(directory), "locked");
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
  assert.ok(fs.existsSync(path.join(directory, LOCK)));
  const store = await open(directory);
  assert.equal((await store.last("home", "m")).value, 7, "what was acknowledged survives a kill");
  await store.close();
});

test("older samples, which are not logged, are in a file a moment later", async () => {
  const directory = temporary();
  const store = await open(directory);
  await store.addColumns("home", column("m", 10));
  const hasData = async () => (await store.inspectPartitions("home"))[0].files.length > 0;
  while (!(await hasData())) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await store.close();
});

test("a native process that lives is respected, one that is gone is not", async (t) => {
  const directory = temporary();
  const file = path.join(directory, ".nanotdb.lock");
  fs.writeFileSync(file, `${process.ppid}\n`);
  await rejects(open(directory), "locked");
  // Noted long before that process began: its number was given away again.
  fs.utimesSync(file, new Date(0), new Date(0));
  if (process.platform === "linux") {
    await (await open(directory)).close();
  }
  fs.writeFileSync(file, "999999999\n");
  await (await open(directory)).close();
  fs.writeFileSync(file, "");
  await (await open(directory)).close();
  assert.ok(fs.existsSync(file), "the native lock file stays");
});

test("destroying removes what is the engine's", async (t) => {
  const directory = path.join(temporary(), "store");
  const store = await open(directory);
  await store.add("home", "m", 1);
  fs.writeFileSync(path.join(directory, "mine.txt"), "not the engine's");
  fs.mkdirSync(path.join(directory, "mine"));
  fs.writeFileSync(path.join(directory, "mine/notes.txt"), "nor this");
  await store.destroy();
  assert.deepEqual(fs.readdirSync(directory), ["mine", "mine.txt"]);
  const again = await open(directory);
  assert.deepEqual(await again.databases(), []);
  await again.close();
});

test("storage is measured", async (t) => {
  const store = await open(temporary());
  t.after(() => store.close());
  await store.add("home", "m", 1);
  await store.flush();
  const { persisted, usage, quota } = await store.quota();
  assert.ok(persisted && usage > 0 && quota > usage);
});

test("a path that is no directory is refused with a code", async (t) => {
  const file = path.join(temporary(), "file");
  fs.writeFileSync(file, "");
  await rejects(open(file), "exists");
  await rejects(open(""), "invalid");
});
