// The implementation in JavaScript: a server and a client of the protocol.

import { once } from "node:events";
import net from "node:net";
import readline from "node:readline";

// The lines that come over a socket. Who waits for one is told of what breaks it.
function linesOf(socket) {
  socket.on("error", () => {}); // an error that nobody listens to would end the process
  return readline.createInterface({ input: socket })[Symbol.asyncIterator]();
}

export class Gone extends Error {}

export class Server {
  #values = new Map();
  #expiry = new Map();
  #watchers = new Map();
  #server = net.createServer((socket) => this.#serve(socket).catch(() => socket.destroy()));

  // Return the port on which it listens from now on.
  async listen() {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return this.#server.address().port;
  }

  async #serve(socket) {
    for await (const line of linesOf(socket)) socket.write(`${this.#answer(line, socket)}\n`);
  }

  #answer(line, socket) {
    const [, verb, key, rest] = /^(\w+) (\S+) ?(.*)$/.exec(line) ?? [];
    if (verb === "GET") return this.#told(key);
    if (verb === "SET") this.#change(key, rest);
    else if (verb === "DEL") this.#change(key);
    else if (verb === "EXPIRE" && this.#values.has(key)) this.#letExpire(key, Number(rest));
    else if (verb === "WATCH") this.#watchers.set(key, [...(this.#watchers.get(key) ?? []), socket]);
    else return "NONE";
    return "OK";
  }

  #told(key) {
    return this.#values.has(key) ? `VALUE ${this.#values.get(key)}` : "NONE";
  }

  #change(key, value) {
    clearTimeout(this.#expiry.get(key));
    const was = this.#values.delete(key);
    if (value !== undefined) this.#values.set(key, value);
    else if (!was) return;
    for (const watcher of this.#watchers.get(key) ?? []) watcher.write(`${this.#told(key)}\n`);
  }

  #letExpire(key, milliseconds) {
    clearTimeout(this.#expiry.get(key));
    this.#expiry.set(key, setTimeout(() => this.#change(key), milliseconds));
  }
}

export class Client {
  #socket;
  #lines;

  static async connect(port) {
    const client = new Client();
    client.#socket = net.connect(port, "127.0.0.1");
    await once(client.#socket, "connect").catch((error) => {
      throw new Gone(`nobody listens on port ${port}: ${error.message}`);
    });
    client.#lines = linesOf(client.#socket);
    return client;
  }

  async ask(request) {
    this.#socket.write(`${request}\n`);
    return this.line();
  }

  // Return the next line, such as a change of what is watched.
  async line() {
    const next = await this.#lines.next().catch(() => ({ done: true }));
    if (next.done) throw new Gone("the other side has ended");
    return next.value;
  }
}
