// aedes as a broker. It speaks 3.1.1 alone, and is no client.

import { once } from "node:events";
import { createServer } from "node:net";
import { Aedes } from "aedes";
import persistence from "aedes-persistence-level";
import { Level } from "level";
import { CODES, Refused } from "../contract/node/contract.mjs";
import { serve } from "../contract/node/driver.mjs";

const LAST_SECONDS = 0.5;

class Verbs {
  name = "aedes";
  capabilities = ["durable", "qos2"];
  #broker = null;
  #server = null;
  #store = null;
  #sockets = new Set();

  async closeAll() {
    await this.#end(LAST_SECONDS);
  }

  async reset({ timeout }) {
    await this.#end(timeout);
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
}

serve(new Verbs());
