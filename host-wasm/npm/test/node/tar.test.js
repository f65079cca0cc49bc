// What tar files of data directories may hold beside plain files with short names.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "nanotdb";
import { bytesOf, rejects, temporary } from "./support.js";

const BLOCK = 512;

/** A header and what follows it, up to whole blocks. */
function member({ name, type = "0", content = "", link = "", size, magic = "ustar\x0000" }) {
  const body = Buffer.from(content);
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0);
  block.write("0000644\0", 100);
  block.write(`${(size ?? body.length).toString(8).padStart(11, "0")}\0`, 124);
  block.write("        ", 148);
  block.write(type, 156);
  block.write(link, 157);
  block.write(magic, 257);
  const sum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([block, body, Buffer.alloc(-body.length & (BLOCK - 1))]);
}

/** A pax header for the member after it. */
function pax(records, type = "x") {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    const length = rest + `${rest + 2}`.length;
    return `${length} ${key}=${value}\n`;
  });
  return member({ name: "PaxHeader", type, content: lines.join("") });
}

const archive = (...members) => new Blob([...members, Buffer.alloc(2 * BLOCK)]);

/** The files of a directory with one metric. */
async function filesOf(t) {
  const store = await open("source", { storage: "memory" });
  t.after(() => store.close());
  await store.add("home", "m", 1, { time: 1_795_824_000_000_000_000n });
  await store.flush();
  const files = [];
  for (const { path } of await store.files()) {
    files.push({ name: `backup/${path}`, content: await store.readFile(path) });
  }
  return files;
}

test("names and sizes of any length are read, however the archive has them", async (t) => {
  const files = await filesOf(t);
  const deep = `backup-${"x".repeat(200)}`;
  const moved = files.map((file) => ({ ...file, name: file.name.replace("backup", deep) }));
  const short = moved.map((file) => ({ ...file, name: file.name.slice(0, 99) }));
  const gnu = (name) => member({ name: "././@LongLink", type: "L", content: `${name}\0` });
  for (const blob of [
    archive(...moved.map(({ name }, at) => [pax({ path: name }), member(short[at])]).flat()),
    archive(...moved.map(({ name }, at) => [gnu(name), member(short[at])]).flat()),
    archive(
      pax({ comment: "of all" }, "g"),
      ...files
        .map((file) => [
          pax({ size: file.content.length, mtime: "1.5" }),
          member({ ...file, size: 0 }),
        ])
        .flat(),
    ),
    archive(...files.map((file) => member({ ...file, type: "7", magic: "" }))),
  ]) {
    const store = await open(temporary());
    const report = await store.importRoot(blob);
    assert.deepEqual(report.databases.includes("home"), true);
    assert.equal((await store.query("home", "m")).times.length, 1);
    await store.close();
  }
});

test("what is no plain file is named, and nothing changes", async (t) => {
  const files = await filesOf(t);
  const store = await open(temporary());
  t.after(() => store.close());
  const plain = files.map(member);
  const name = "backup/home/data-2026-11-29.dat";
  for (const [odd, says] of [
    [[member({ name, type: "1", link: "backup/home/other.dat" })], /hard link to backup\/home/],
    [[member({ name, type: "2", link: "other.dat" })], /symbolic link to other\.dat/],
    [[member({ name, type: "S", content: "x" })], /sparse/],
    [[pax({ "GNU.sparse.major": "1", "GNU.sparse.name": name }), member({ name: "x" })], /sparse/],
    [[member({ name, type: "Z" })], /type "Z"/],
  ]) {
    await assert.rejects(store.importRoot(archive(...plain, ...odd)), (error) => {
      assert.equal(error.code, "unsupported");
      assert.match(error.message, says);
      assert.ok(error.message.includes(name));
      return true;
    });
    assert.deepEqual(await store.databases(), []);
  }
  // What is no part of a data directory does not matter.
  const beside = member({ name: "backup/old/notes/readme", type: "2", link: "elsewhere" });
  assert.ok((await store.importRoot(archive(...plain, beside))).databases.includes("home"));
});

test("a damaged archive is told from a whole one", async (t) => {
  const store = await open(temporary());
  t.after(() => store.close());
  const whole = await bytesOf(archive(...(await filesOf(t)).map(member)).stream());
  const flipped = Uint8Array.from(whole);
  flipped[3] ^= 1;
  for (const bytes of [flipped, whole.subarray(0, whole.length - 1200), whole.subarray(0, 300)]) {
    await rejects(store.importRoot(new Blob([bytes])), "corrupt");
  }
  await rejects(
    store.importRoot(archive(pax({ path: "a", size: "many" }), member({ name: "a" }))),
    "corrupt",
  );
});
