// A driver of KeyValue: its verbs, by the implementation in kv.mjs.

import { CODES, Refused } from "./contract.mjs";
import { serve } from "./driver.mjs";
import { Client, Gone, Server } from "./kv.mjs";

// Say in a code of the contract what the implementation says in its own way.
async function refusing(work) {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Gone ? new Refused(CODES.gone, error.message) : error;
  }
}

function valueOf(answer) {
  return answer.startsWith("VALUE ") ? answer.slice("VALUE ".length) : null;
}

class Verbs {
  name = "node";
  capabilities = [];
  #port = 0;
  #client = null;
  #watcher = null;

  // Release what outlives the process: nothing.
  async closeAll() {}

  async listen({}) {
    return new Server().listen();
  }

  async connect({ port }) {
    this.#port = port;
    this.#client = await refusing(() => Client.connect(port));
  }

  async set({ key, value }) {
    await this.#ask(`SET ${key} ${value}`);
  }

  async get({ key }) {
    return valueOf(await this.#ask(`GET ${key}`));
  }

  async delete({ key }) {
    await this.#ask(`DEL ${key}`);
  }

  async expire({ key, milliseconds }) {
    const answer = await this.#ask(`EXPIRE ${key} ${milliseconds}`);
    if (answer === "NONE") throw new Refused(CODES.missing, `there is no ${key} that could expire`);
  }

  async watch({ key }) {
    this.#watcher = await refusing(() => Client.connect(this.#port));
    await refusing(() => this.#watcher.ask(`WATCH ${key}`));
  }

  async change({}) {
    if (this.#watcher === null) throw new Refused(CODES.gone, "nothing is watched: watch first");
    return valueOf(await refusing(() => this.#watcher.line()));
  }

  async #ask(request) {
    if (this.#client === null) throw new Refused(CODES.gone, "there is no connection: connect first");
    return refusing(() => this.#client.ask(request));
  }
}

serve(new Verbs());
