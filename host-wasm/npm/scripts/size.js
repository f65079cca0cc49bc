/**
 * What each part of the engine's module weighs: code by crate and module, from the names in the
 * module before it is optimised, and what all of it comes to afterwards.
 *
 *     npm run build && node scripts/size.js
 *
 * Gzipped bytes of a part are its share of the whole: parts are not packed one by one.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import * as zlib from "node:zlib";

const here = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const metadata = JSON.parse(
  execFileSync("cargo", ["metadata", "--format-version", "1", "--no-deps"], { cwd: here }),
);
const module = path.join(
  metadata.target_directory,
  "wasm32-unknown-unknown/wasm/nanotdb_wasm.wasm",
);

const PARTS = [
  ["bindings' glue, gone after wasm-bindgen", /describe|wasm_bindgen::describe/],
  ["sorting", /slice.*sort/],
  ["ruzstd, encoder", /ruzstd.*encod/],
  ["ruzstd, decoder", /ruzstd|huff0|fse/],
  ["lz4_flex", /lz4_flex/],
  ["TOML", /\btoml|toml_|winnow|serde_spanned/],
  ["JSON", /serde_json|zmij|itoa|ryu/],
  ["results as objects", /serde_wasm_bindgen|session.*view|serde_core/],
  ["volume", /nanotdb_wasm::volume/],
  ["bindings", /nanotdb_wasm|js_sys|web_sys|wasm_bindgen/],
  ["S2 and other codecs", /nanotdb_core::compress/],
  ["columns of version 3", /nanotdb_core::column/],
  ["metric files of version 3", /nanotdb_core::metric_file::(v3|convert)/],
  ["metric files", /nanotdb_core::metric_file/],
  ["charts", /nanotdb_core::query::chart/],
  ["queries and aggregates", /nanotdb_core::(query|aggregate)/],
  ["upkeep: sealing, retention, rollups", /nanotdb_core::(engine::(upkeep|rollup)|rollup|tar)/],
  ["settings", /nanotdb_core::settings/],
  ["engine, pages, log, catalog", /nanotdb_core/],
  ["hash tables", /hashbrown/],
  ["allocator", /dlmalloc/],
];
const REST = "standard library: text, iterators, vectors";

/** Reads along a module's bytes. */
class Reader {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.bytes[this.at++];
  }

  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        return value;
      }
    }
  }

  text() {
    const length = this.number();
    this.at += length;
    return this.bytes.toString("utf8", this.at - length, this.at);
  }
}

const wasm = fs.readFileSync(module);
const sums = new Map();
for (const { name, size } of functions(wasm)) {
  const part = PARTS.find(([, pattern]) => pattern.test(name))?.[0] ?? REST;
  sums.set(part, (sums.get(part) ?? 0) + size);
}
const built = fs.readFileSync(path.join(here, "dist/engine_bg.wasm"));
const packed = zlib.gzipSync(built, { level: 9 }).length;
const glue = sums.get(PARTS[0][0]) ?? 0;
const total = [...sums.values()].reduce((sum, size) => sum + size, 0) - glue;
sums.delete(PARTS[0][0]);
console.log(
  `${built.length} bytes, ${packed} gzipped, ${zlib.brotliCompressSync(built).length} brotli`,
);
for (const [part, size] of [...sums].sort((a, b) => b[1] - a[1])) {
  const share = size / total;
  console.log(
    `| ${part} | ${Math.round(share * 100)} % | ${Math.round((share * packed) / 1000)} KB |`,
  );
}

/** Names and code sizes of a module's own functions. */
function functions(bytes) {
  let imports = 0;
  let sizes = [];
  const names = new Map();
  for (const section of sections(bytes)) {
    const reader = new Reader(bytes, section.start);
    if (section.id === 2) {
      imports = countImports(reader);
    } else if (section.id === 10) {
      sizes = Array.from({ length: reader.number() }, () => {
        const size = reader.number();
        reader.at += size;
        return size;
      });
    } else if (section.id === 0 && reader.text() === "name") {
      readNames(reader, section.end, names);
    }
  }
  return sizes.map((size, at) => ({ size, name: plain(names.get(at + imports) ?? "") }));
}

function* sections(bytes) {
  const reader = new Reader(bytes, 8);
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const length = reader.number();
    yield { id, start: reader.at, end: reader.at + length };
    reader.at += length;
  }
}

function countImports(reader) {
  let functions = 0;
  for (let left = reader.number(); left > 0; left -= 1) {
    reader.text();
    reader.text();
    const kind = reader.byte();
    if (kind !== 0) {
      throw new Error(`an import of kind ${kind}: only functions were expected`);
    }
    reader.number();
    functions += 1;
  }
  return functions;
}

function readNames(reader, end, names) {
  while (reader.at < end) {
    const id = reader.byte();
    const length = reader.number();
    const stop = reader.at + length;
    if (id === 1) {
      for (let left = reader.number(); left > 0; left -= 1) {
        names.set(reader.number(), reader.text());
      }
    }
    reader.at = stop;
  }
}

/** A mangled name with its path's parts joined by `::`. */
function plain(name) {
  const parts = [];
  for (let at = name.startsWith("_ZN") ? 3 : name.length; at < name.length;) {
    const length = /^\d+/.exec(name.slice(at));
    if (length === null) {
      break;
    }
    at += length[0].length;
    parts.push(name.slice(at, at + Number(length[0])));
    at += Number(length[0]);
  }
  return parts.length > 0 ? parts.join("::").replaceAll("..", "::") : name;
}
