// aedes as a broker. It speaks 3.1.1 alone, and is no client.

import { once } from "node:events";
import { createServer } from "node:net";
import { Aedes } from "aedes";
import persistence from "aedes-persistence-level";
import { Level } from "level";
import { CODES, NotImplemented, Refused } from "./contract.mjs";

export class Verbs {
  capabilities = ["durable", "qos2"];
  #broker = null;
  #server = null;
  #store = null;

  async closeAll() {
    await this.#end();
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
      this.#server.listen(port, "127.0.0.1");
      await once(this.#server, "listening");
    } catch (error) {
      await this.#end();
      throw new Refused(CODES.invalid, `aedes does not serve: ${error.message}`);
    }
  }

  async stop() {
    if (!this.#server) throw new Refused(CODES.invalid, "this process does not serve: serve first");
    await this.#end();
  }

  // Listens no more before the clients are closed, so that none comes in between.
  async #end() {
    const [broker, server, store] = [this.#broker, this.#server, this.#store];
    this.#broker = this.#server = this.#store = null;
    const closed = server?.listening ? once(server, "close") : null;
    server?.close();
    if (broker) await new Promise((resolve) => broker.close(resolve));
    await closed;
    await store?.close();
  }

  async connect() {
    throw new NotImplemented();
  }

  async subscribe() {
    throw new NotImplemented();
  }

  async unsubscribe() {
    throw new NotImplemented();
  }

  async publish() {
    throw new NotImplemented();
  }

  async receive() {
    throw new NotImplemented();
  }

  async disconnect() {
    throw new NotImplemented();
  }

  async state() {
    throw new NotImplemented();
  }
}
