/** A static file server on this machine. */
import * as fs from "node:fs";
import * as http from "node:http";
import * as path from "node:path";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".wasm": "application/wasm",
};

/**
 * Serves directories: `{ "/": "site", "/dist/": "dist" }`, the longest prefix wins.
 *
 * @param {Record<string, string>} directories
 */
export async function serve(directories) {
  const prefixes = Object.keys(directories).sort((a, b) => b.length - a.length);
  const server = http.createServer((request, response) => {
    const url = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    const prefix = prefixes.find((candidate) => url.startsWith(candidate)) ?? "/";
    const relative = url.slice(prefix.length) || "index.html";
    const directory = path.resolve(directories[prefix] ?? "");
    const file = path.join(directory, relative);
    if (!file.startsWith(directory + path.sep) || !fs.existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[path.extname(file)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type });
    fs.createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
