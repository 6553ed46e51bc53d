/**
 * Make organiser.html: one file with its style, its script and the code of its workers.
 *
 *     node build.mjs SHARED OUT     SHARED is the output of shared.py
 *     node build.mjs SHARED --tests FOLDER     the tests of test/ as single files for Node
 *
 * The same sources give the same bytes.
 */

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const CARRIED = join(HERE, "..", "src", "sabal", "checking", "carried");
const TOKENS = join(HERE, "..", "src", "sabal", "pages", "style", "tokens.css");
const [shared, out, folder] = process.argv.slice(2);

/** The checker of check.html as a module: all of its script but the page and what is for tests. */
function checker() {
  const page = readFileSync(join(CARRIED, "check.html"), "utf8");
  const begin = page.indexOf('"use strict";'), end = page.indexOf("// For the tests and the browser's console");
  if (begin < 0 || end < begin) throw new Error("check.html no longer has the marks that this build looks for");
  return `${page.slice(begin, end)}
export { Wrong, check, countEntries, hashLevels, openZip, parsePolicy, peek, termsOf };
export const sayOfChecker = say;
export const speakOfChecker = (chosen) => { language = WORDS[chosen] ? chosen : "en"; };`;
}

function carried() {
  const files = ["README.txt", "verify.py", "check.html"].map((name) => [name, readFileSync(join(CARRIED, name), "utf8")]);
  return `export default ${JSON.stringify(Object.fromEntries(files))};`;
}

const MODULES = {
  shared: () => `export default ${readFileSync(shared, "utf8")};`,
  checker,
  carried,
  "worker-code": async () => `export default ${JSON.stringify(await bundled("src/worker.js"))};`,
};

const made = {
  name: "made",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${Object.keys(MODULES).join("|")})$`) }, ({ path }) => ({ path, namespace: "made" }));
    onLoad({ filter: /.*/, namespace: "made" }, async ({ path }) => ({ contents: await MODULES[path](), resolveDir: HERE }));
  },
};

async function bundled(entry, options = {}) {
  const { outputFiles } = await build({
    absWorkingDir: HERE, entryPoints: [entry], plugins: [made], bundle: true, write: false, format: "iife", target: "es2022",
    charset: "utf8", legalComments: "inline", logLevel: "warning", ...options,
  });
  return outputFiles[0].text;
}

async function page() {
  const script = `\n${await bundled("src/main.js")}`;
  const style = `\n${readFileSync(TOKENS, "utf8")}${readFileSync(join(HERE, "page.css"), "utf8")}`;
  if (/<\/script|<!--/i.test(script)) throw new Error("the script would end its element");
  const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  const policy = [
    "default-src 'none'", `script-src ${hash(script)}`, `style-src ${hash(style)}`, "worker-src blob:",
    "connect-src 'none'", "base-uri 'none'", "form-action 'none'",
  ].join("; ");
  // As functions: a text with "$&" is no pattern.
  return readFileSync(join(HERE, "page.html"), "utf8")
    .replace("{policy}", () => policy).replace("{style}", () => style).replace("{script}", () => script);
}

if (out === "--tests") {
  for (const name of readdirSync(join(HERE, "test")).filter((one) => one.endsWith(".test.js"))) {
    writeFileSync(join(folder, basename(name, ".js") + ".mjs"), await bundled(`test/${name}`, { platform: "node", format: "esm" }));
  }
} else {
  writeFileSync(out, await page());
}
