/** The declarations, as strict programs see them. */
import { execFileSync } from "node:child_process";
import * as path from "node:path";
import test from "node:test";
import { packageRoot } from "../support/chromium.js";

test("the types are what they say", () => {
  const compiler = path.join(packageRoot, "node_modules/.bin/tsc");
  try {
    execFileSync(compiler, ["-p", "test/types"], { cwd: packageRoot, encoding: "utf8" });
  } catch (error) {
    throw new Error(error.stdout || error.message);
  }
});
