// A step worker without a library. It speaks on stdin and stdout, or, with a path, to all who connect to that socket.

import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";

// One scenario after the other, for one who talks to us.
class Session {
  #folder = ""; // where the letters of a scenario lie; its name has the numbers of the cell
  #waiting = Buffer.alloc(0);
  #steps = [
    ["when", "the 'sender' process posts '([^']+)'", (letter) => fs.writeFileSync(path.join(this.#folder, letter), letter)],
    ["then", "the 'receiver' process should hold '([^']+)'", (letter) => this.#see(letter, true)],
    ["then", "the 'receiver' process should not hold '([^']+)'", (letter) => this.#see(letter, false)],
  ];
  #methods = {
    health: () => true,
    discover: () => ({ steps: this.#steps.map(([type, pattern]) => ({ type, pattern })) }),
    initialize: ({ HostPid, FeatureId }) => {
      this.#folder = path.join(os.tmpdir(), `letters_${HostPid}_${FeatureId}`);
      return Boolean(fs.mkdirSync(this.#folder, { recursive: true }) ?? true);
    },
    executeStep: ({ Step }) => this.#perform(Step),
    cleanup: () => fs.rmSync(this.#folder, { recursive: true, force: true }) ?? null,
    shutdown: () => null,
  };

  constructor(source, sink) {
    source.on("error", () => {}); // who talked to us is gone
    source.on("data", (data) => this.#take(Buffer.concat([this.#waiting, data]), sink));
  }

  #see(letter, expected) {
    const seen = fs.existsSync(path.join(this.#folder, letter));
    if (seen !== expected) throw new Error(`${letter}: ${seen ? "it is there" : "it is not there"}`);
  }

  #perform(step) {
    const told = (error) => ({ success: error === null, error, context: {}, logs: [] });
    for (const [, pattern, work] of this.#steps) {
      const found = new RegExp(`^${pattern}$`).exec(step);
      if (found === null) continue;
      try {
        work(...found.slice(1));
        return told(null);
      } catch (error) {
        return told(error.message);
      }
    }
    return told(`No matching step definition found for: ${step}`);
  }

  #take(data, sink) {
    const start = data.indexOf("\r\n\r\n") + 4;
    const length = Number(/Content-Length: *(\d+)/i.exec(data.subarray(0, start).toString())?.[1]);
    this.#waiting = data;
    if (start < 4 || data.length < start + length) return;
    const { id, method, params } = JSON.parse(data.subarray(start, start + length).toString());
    const known = Object.hasOwn(this.#methods, method);
    const body = Buffer.from(
      JSON.stringify(
        known
          ? { jsonrpc: "2.0", id, result: this.#methods[method](params?.[0] ?? {}) }
          : { jsonrpc: "2.0", id, error: { code: -32601, message: `Method not found: ${method}` } },
      ),
    );
    sink.write(Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]));
    this.#take(data.subarray(start + length), sink);
  }
}

const [, , socket] = process.argv;
if (socket === undefined) new Session(process.stdin, process.stdout);
else net.createServer((connection) => new Session(connection, connection)).listen(socket);
