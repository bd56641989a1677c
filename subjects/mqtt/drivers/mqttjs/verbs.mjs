// MQTT.js as a client. It is no broker.

import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import mqtt from "mqtt";
import { CODES, Misfit, Refused } from "../contract/node/contract.mjs";
import { serve } from "../contract/node/driver.mjs";

const HEAD_BYTES = 64;
const WITH_WILL = 4;

// Returns what a promise comes to, or refuses when the connection has ended or the time is over.
async function answerOf(client, promise, timeout, what) {
  let end;
  const over = new Promise((_, reject) => {
    const refuse = (message) => reject(new Refused(CODES.lost, message));
    const lost = () => refuse(`the connection ended before ${what} came: connect again`);
    const timer = setTimeout(() => refuse(`${what} did not come within ${timeout} s`), 1000 * timeout);
    client.on("close", lost);
    end = () => {
      clearTimeout(timer);
      client.off("close", lost);
    };
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    end();
  }
}

// What the library says of its own, without a reason code: it refuses, or has lost the connection before it says so.
function failure(client, error) {
  return new Refused(client?.stream.destroyed ? CODES.lost : CODES.invalid, `MQTT.js: ${error.message}`);
}

function refuseOfVersion5(version, values) {
  const given = Object.keys(values).find((name) => values[name]);
  if (version !== 5 && given) throw new Refused(CODES.invalid, `${given}: version 3.1.1 has no such thing`);
}

function withoutEmpty(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));
}

// The library has a list of values for each name: the order among different names is not in it.
function userProperties(pairs) {
  const grouped = Object.create(null);
  for (const [name, value] of pairs) (grouped[name] ??= []).push(value);
  return pairs.length ? grouped : null;
}

function propertiesToSend({ expiry, content_type, response_topic, correlation, user }) {
  return withoutEmpty({
    messageExpiryInterval: expiry,
    contentType: content_type,
    responseTopic: response_topic,
    correlationData: correlation === null ? null : Buffer.from(correlation, "hex"),
    userProperties: userProperties(user),
  });
}

function propertiesReceived(given = {}) {
  const user = Object.entries(given.userProperties ?? {});
  return {
    expiry: given.messageExpiryInterval ?? null,
    content_type: given.contentType ?? null,
    response_topic: given.responseTopic ?? null,
    correlation: given.correlationData?.toString("hex") ?? null,
    user: user.flatMap(([name, values]) => [values].flat().map((value) => [name, value])),
  };
}

function messageOf(topic, payload, { qos, retain, dup, properties }) {
  return {
    topic,
    size: payload.length,
    head: payload.subarray(0, HEAD_BYTES).toString("hex"),
    sha256: createHash("sha256").update(payload).digest("hex"),
    qos,
    retain,
    dup,
    properties: propertiesReceived(properties),
  };
}

class Verbs {
  name = "mqttjs";
  capabilities = ["qos2", "v5"];
  #client = null;
  #reason = null;
  #acknowledged = new Map();
  #messages = [];
  #arrivals = new EventEmitter();

  async closeAll() {
    this.#leave();
  }

  async reset() {
    this.#leave();
    this.#reason = null;
    // A client that ends just now has those before.
    this.#acknowledged = new Map();
    this.#messages = [];
  }

  async connect({ port, client_id, version, clean, keep_alive, will, session_expiry, receive_maximum, timeout }) {
    if (version !== 4 && version !== 5) throw new Misfit("version: 4 or 5 is expected");
    refuseOfVersion5(version, { session_expiry, receive_maximum, "will.delay": will?.delay });
    this.#leave();
    this.#reason = null;
    const options = {
      host: "127.0.0.1",
      port,
      clientId: client_id,
      protocolVersion: version,
      clean,
      keepalive: keep_alive,
      connectTimeout: 1000 * timeout,
      reconnectPeriod: 0,
      ...withoutEmpty({
        will: will && {
          topic: will.topic,
          payload: Buffer.from(will.payload, "hex"),
          qos: will.qos,
          retain: will.retain,
          ...(version === 5 && { properties: withoutEmpty({ willDelayInterval: will.delay }) }),
        },
        properties:
          version === 5
            ? withoutEmpty({ sessionExpiryInterval: session_expiry, receiveMaximum: receive_maximum })
            : null,
      }),
    };
    let client;
    try {
      client = this.#client = mqtt.connect(options);
    } catch (error) {
      throw failure(null, error);
    }
    client.on("error", (error) => console.error(error.message));
    const [messages, acknowledged] = [this.#messages, this.#acknowledged];
    client.on("message", (topic, payload, packet) => {
      messages.push(messageOf(topic, payload, packet));
      this.#arrivals.emit("message");
    });
    // The library tells a reason that is an error, and keeps the others, such as that nobody had subscribed, to itself.
    client.on("packetreceive", ({ cmd, messageId, reasonCode }) => {
      if (cmd === "puback" || cmd === "pubcomp") acknowledged.set(messageId, reasonCode ?? 0);
    });
    client.on("disconnect", ({ reasonCode }) => {
      if (client === this.#client) this.#reason = reasonCode ?? null; // 3.1.1 has none, though brokers send it
    });
    return answerOf(client, this.#connackOf(client), timeout, "CONNACK");
  }

  // What CONNACK says: the library ends the connection where it refuses, and says so afterwards.
  #connackOf(client) {
    return new Promise((resolve, reject) => {
      let answer = null;
      client.on("packetreceive", ({ cmd, sessionPresent, returnCode, reasonCode }) => {
        if (cmd === "connack") answer = { session_present: sessionPresent, reason: reasonCode ?? returnCode };
      });
      client.once("connect", () => resolve(answer));
      client.once("error", (error) => {
        if (answer?.reason) resolve(answer);
        else reject(new Refused(CODES.lost, `there is no CONNACK: ${error.message}`));
      });
    });
  }

  // The client, if it has a connection: without one the library would keep what it is asked for until it has one again.
  #connected() {
    if (!this.#client?.connected) throw new Refused(CODES.lost, "there is no connection: connect first");
    return this.#client;
  }

  #leave() {
    this.#client?.stream.destroy();
    this.#client?.end(true);
    this.#client = null;
  }

  async subscribe({ filters, timeout }) {
    const client = this.#connected();
    const five = client.options.protocolVersion === 5;
    const asked = {};
    for (const { filter, qos, no_local, retain_as_published, retain_handling } of filters) {
      refuseOfVersion5(five ? 5 : 4, { no_local, retain_as_published, retain_handling });
      if (filter in asked) throw new Refused(CODES.invalid, "MQTT.js has no filter twice in one packet");
      asked[filter] = { qos, ...(five && { nl: no_local, rap: retain_as_published, rh: retain_handling }) };
    }
    const answer = new Promise((resolve, reject) => {
      client.subscribe(asked, (error, _granted, packet) => {
        if (packet) resolve(packet.granted);
        else reject(failure(client, error));
      });
    });
    return answerOf(client, answer, timeout, "SUBACK");
  }

  async unsubscribe({ filters, timeout }) {
    const client = this.#connected();
    const answer = new Promise((resolve, reject) => {
      client.unsubscribe(filters, (error) => (error ? reject(failure(client, error)) : resolve()));
    });
    await answerOf(client, answer, timeout, "UNSUBACK");
  }

  async publish({ topic, payload, repeat, qos, retain, wait, properties, timeout }) {
    const client = this.#connected();
    const five = client.options.protocolVersion === 5;
    const sent = properties ? propertiesToSend(properties) : {};
    refuseOfVersion5(five ? 5 : 4, { properties: Object.keys(sent).length });
    const whole = Buffer.concat(Array(repeat).fill(Buffer.from(payload, "hex")));
    const done = new Promise((resolve, reject) => {
      client.publish(topic, whole, { qos, retain, ...(five && { properties: sent }) }, (error, packet) => {
        if (error && !packet?.reasonCode) reject(failure(client, error));
        else resolve(five && qos ? (packet.reasonCode ?? this.#acknowledged.get(packet.messageId)) : null);
      });
    });
    if (!wait) {
      done.catch((error) => console.error(error.message));
      return null;
    }
    return answerOf(client, done, timeout, qos ? "the acknowledgement" : "the end of sending");
  }

  async receive({ count, quiet, timeout }) {
    const end = performance.now() + 1000 * timeout;
    while (this.#messages.length < count) {
      const left = end - performance.now();
      const patience = quiet ? Math.min(left, 1000 * quiet) : left;
      if (patience <= 0) break;
      const signal = AbortSignal.timeout(Math.ceil(patience));
      const came = await once(this.#arrivals, "message", { signal }).then(
        () => true,
        () => false,
      );
      if (!came) break;
    }
    return this.#messages.splice(0, count);
  }

  async disconnect({ with_will, timeout }) {
    const client = this.#connected();
    const five = client.options.protocolVersion === 5;
    refuseOfVersion5(five ? 5 : 4, { with_will });
    const ended = client.endAsync(false, with_will ? { reasonCode: WITH_WILL } : {});
    let timer;
    const late = new Promise((_, reject) => {
      const cause = "before DISCONNECT MQTT.js waits for its acknowledgements, then for the other side to close";
      timer = setTimeout(() => reject(new Refused(CODES.lost, `${cause}: not within ${timeout} s`)), 1000 * timeout);
    });
    try {
      await Promise.race([ended, late]);
    } finally {
      clearTimeout(timer);
      this.#leave();
    }
  }

  async state({}) {
    return { connected: this.#client?.connected ?? false, reason: this.#reason };
  }
}

serve(new Verbs());
