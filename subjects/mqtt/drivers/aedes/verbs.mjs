// aedes as a broker. It speaks 3.1.1 alone, and is no client.

import { once } from "node:events";
import { createServer } from "node:net";
import { Aedes } from "aedes";
import persistence from "aedes-persistence-level";
import { Level } from "level";
import { CODES, NotImplemented, Refused } from "./contract.mjs";

const LAST_SECONDS = 0.5;

export class Verbs {
  capabilities = ["durable", "qos2"];
  #broker = null;
  #server = null;
  #store = null;
  #sockets = new Set();

  async closeAll() {
    await this.#end(LAST_SECONDS);
  }

  // Without a store all is in memory, as aedes has it by default; with one it is in LevelDB, which needs no last word.
  async serve({ port, directory, durable }) {
    if (this.#server) throw new Refused(CODES.invalid, "this process serves already: stop it first");
    try {
      if (durable) {
        this.#store = new Level(directory);
        await this.#store.open();
      }
      this.#broker = await Aedes.createBroker(durable ? { persistence: persistence(this.#store) } : {});
      for (const trouble of ["clientError", "connectionError"]) {
        this.#broker.on(trouble, (client, error) => console.error(`${trouble} of ${client.id}: ${error.message}`));
      }
      this.#server = createServer(this.#broker.handle);
      this.#server.on("connection", (socket) => {
        this.#sockets.add(socket);
        socket.on("close", () => this.#sockets.delete(socket));
      });
      this.#server.listen(port, "127.0.0.1");
      await once(this.#server, "listening");
    } catch (error) {
      await this.#end(LAST_SECONDS);
      throw new Refused(CODES.invalid, `aedes does not serve: ${error.message}`);
    }
  }

  async stop({ timeout }) {
    if (!this.#server) throw new Refused(CODES.invalid, "this process does not serve: serve first");
    await this.#end(timeout);
  }

  // Listens no more before the clients are closed, so that none comes in between. aedes closes those that have connected:
  // who has not said CONNECT is closed here, and who does not let go in time.
  async #end(timeout) {
    const [broker, server, store] = [this.#broker, this.#server, this.#store];
    this.#broker = this.#server = this.#store = null;
    const letGo = () => this.#sockets.forEach((socket) => socket.destroy());
    const closed = server?.listening ? once(server, "close") : null;
    server?.close();
    const timer = setTimeout(letGo, 1000 * timeout);
    if (broker) await new Promise((resolve) => broker.close(resolve));
    letGo();
    await closed;
    clearTimeout(timer);
    await store?.close();
  }

  // Connect a new client and wait for CONNACK; one that was there is gone. It never connects again by itself.
  // Result: {session_present: flag, reason: natural}.
  async connect({ port, client_id, version, clean, keep_alive, will, session_expiry, receive_maximum, timeout }) {
    throw new NotImplemented();
  }

  // Subscribe in one packet; returns the reason of each filter, as SUBACK has it. Result: [natural, …].
  async subscribe({ filters, timeout }) {
    throw new NotImplemented();
  }

  // Unsubscribe in one packet, and wait for UNSUBACK. Result: null.
  async unsubscribe({ filters, timeout }) {
    throw new NotImplemented();
  }

  // Publish the payload, so many times one after the other in a single message. Result: natural or null.
  async publish({ topic, payload, repeat, qos, retain, wait, properties, timeout }) {
    throw new NotImplemented();
  }

  // Take `count` messages of those that have arrived, in their order, once they are there; what is more
  // stays. Result: [{topic: text, size: natural, head: text, sha256: text, qos: natural, retain: flag, dup:
  // flag or null, properties: {expiry: natural or null, content_type: text or null, response_topic: text or
  // null, correlation: text or null, user: [[text, …], …]}}, …].
  async receive({ count, quiet, timeout }) {
    throw new NotImplemented();
  }

  // Send DISCONNECT and close; in version 5 with reason 4 where the will shall be published. Result: null.
  async disconnect({ with_will, timeout }) {
    throw new NotImplemented();
  }

  // Return whether the client is connected, as its library says. Result: {connected: flag, reason: natural or
  // null}.
  async state({ timeout }) {
    throw new NotImplemented();
  }

  // Connect to a port without a word, and answer nothing but by `say` from now on. Capability `raw`. Result:
  // null.
  async dial({ port, version, timeout }) {
    throw new NotImplemented();
  }

  // Send bytes as they are: to the broker, or as a broker to the client that has connected last. Capability
  // `raw`. Result: null.
  async say({ data, timeout }) {
    throw new NotImplemented();
  }

  // Return the next packet of one of these kinds, and forget those before it; `lost` if none comes.
  // Capability `raw`. Result: {kind: text, packet_id: natural, reason: natural, qos: natural, dup: flag,
  // retain: flag, topic: text, line: text, numbers: any}.
  async hear({ kinds, timeout }) {
    throw new NotImplemented();
  }

  // Return whether the other side ends the connection in time. Capability `raw`. Result: flag.
  async hear_end({ timeout }) {
    throw new NotImplemented();
  }
}
