// A step worker in one file, without a library: JSON-RPC over stdin and stdout, each message behind its Content-Length.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";

let folder = ""; // where the letters of this scenario lie; its name has the numbers of the cell

const STEPS = [
  ["when", "the 'sender' process posts '([^']+)'", (letter) => fs.writeFileSync(path.join(folder, letter), letter)],
  ["then", "the 'receiver' process should hold '([^']+)'", (letter) => see(letter, true)],
  ["then", "the 'receiver' process should not hold '([^']+)'", (letter) => see(letter, false)],
];

function see(letter, expected) {
  const seen = fs.existsSync(path.join(folder, letter));
  if (seen !== expected) throw new Error(`${letter}: ${seen ? "it is there" : "it is not there"}`);
}

const METHODS = {
  health: () => true,
  discover: () => ({ steps: STEPS.map(([type, pattern]) => ({ type, pattern })) }),
  initialize({ HostPid, FeatureId }) {
    folder = path.join(os.tmpdir(), `letters_${HostPid}_${FeatureId}`);
    fs.mkdirSync(folder, { recursive: true });
    return true;
  },
  executeStep({ Step }) {
    for (const [, pattern, work] of STEPS) {
      const found = new RegExp(`^${pattern}$`).exec(Step);
      if (found === null) continue;
      try {
        work(...found.slice(1));
        return { success: true, error: null, context: {}, logs: [] };
      } catch (error) {
        return { success: false, error: error.message, context: {}, logs: [] };
      }
    }
    return { success: false, error: `No matching step definition found for: ${Step}`, context: {}, logs: [] };
  },
  cleanup: () => fs.rmSync(folder, { recursive: true, force: true }) ?? null,
  shutdown: () => setImmediate(() => process.exit(0)) && null,
};

function answer({ id, method, params }) {
  const known = Object.hasOwn(METHODS, method);
  const message = known
    ? { jsonrpc: "2.0", id, result: METHODS[method](params?.[0] ?? {}) }
    : { jsonrpc: "2.0", id, error: { code: -32601, message: `Method not found: ${method}` } };
  const body = Buffer.from(JSON.stringify(message));
  process.stdout.write(Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]));
}

let waiting = Buffer.alloc(0);
process.stdin.on("data", (data) => {
  waiting = Buffer.concat([waiting, data]);
  for (;;) {
    const end = waiting.indexOf("\r\n\r\n");
    if (end < 0) return;
    const start = end + 4;
    const length = Number(/Content-Length: *(\d+)/i.exec(waiting.subarray(0, end).toString())[1]);
    if (waiting.length < start + length) return;
    answer(JSON.parse(waiting.subarray(start, start + length).toString()));
    waiting = waiting.subarray(start + length);
  }
});
