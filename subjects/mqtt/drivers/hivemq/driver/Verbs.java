package driver;

import static driver.Contract.*;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** The HiveMQ client. It plays no broker, so the verbs of one are not here. */
final class Verbs extends Unimplemented {
    static final String NAME = "hivemq";
    static final List<String> CAPABILITIES = List.of("qos2", "v5");
    static final String LOOPBACK = "127.0.0.1";

    private static final long VERSION_5 = 5;

    private volatile Client client;

    /** The connection ends with the process, as one that is lost. */
    @Override
    void closeAll() {}

    /** Be as a process that has just started. Result: null. */
    @Override
    Object reset(double timeout) throws Exception {
        return told(() -> {
            var before = client;
            client = null;
            if (before != null && before.connected()) leave(before, timeout);
            return null;
        });
    }

    /**
     * Connect a new client and wait for CONNACK; one that was there is gone. It never connects again by itself. Result:
     * {session_present: flag, reason: natural}.
     *
     * The library can only end a connection with DISCONNECT, so that is what one gets that was there.
     */
    @Override
    Object connect(
        long port,
        String clientId,
        long version,
        boolean clean,
        long keepAlive,
        Will will,
        Long sessionExpiry,
        Long receiveMaximum,
        double timeout) throws Exception {
        return told(() -> {
            var before = client;
            if (before != null && before.connected()) leave(before, timeout);
            var next = version == VERSION_5 ? new Client5() : new Client3();
            var maximum = receiveMaximum == null ? null : Math.toIntExact(receiveMaximum);
            client = next;
            return next.connect(
                new Client.Options(
                    (int) port, clientId, clean, Math.toIntExact(keepAlive), will, sessionExpiry, maximum),
                timeout);
        });
    }

    /** End the client before; its connection may have ended by itself just now. */
    private static void leave(Client before, double timeout) throws Exception {
        try {
            before.disconnect(false, timeout);
        } catch (Exception error) {
            if (before.connected()) throw error;
        }
    }

    /** Subscribe in one packet; returns the reason of each filter, as SUBACK has it. Result: [natural, …]. */
    @Override
    Object subscribe(List<Subscription> filters, double timeout) throws Exception {
        return told(() -> client().subscribe(filters, timeout));
    }

    /** Unsubscribe in one packet, and wait for UNSUBACK. Result: null. */
    @Override
    Object unsubscribe(List<String> filters, double timeout) throws Exception {
        return told(() -> {
            client().unsubscribe(filters, timeout);
            return null;
        });
    }

    /** Publish the payload, so many times one after the other in a single message. Result: natural or null. */
    @Override
    Object publish(
        String topic,
        String payload,
        long repeat,
        long qos,
        boolean retain,
        boolean wait,
        Properties properties,
        double timeout) throws Exception {
        return told(() -> {
            byte[] whole = Inbox.bytes("payload", payload.repeat(Math.toIntExact(repeat)));
            var asked = client().publish(topic, whole, (int) qos, retain, properties);
            return wait ? client().await(asked, "acknowledgement", timeout) : null;
        });
    }

    /** Take what has arrived since the last time, in its order: once `count` are there, or none came for so long. */
    @Override
    Object receive(long count, double quiet, double timeout) throws Exception {
        return client().inbox.take(count, quiet, timeout);
    }

    /** Send DISCONNECT and close; in version 5 with reason 4 where the will shall be published. Result: null. */
    @Override
    Object disconnect(boolean withWill, double timeout) throws Exception {
        return told(() -> {
            client().disconnect(withWill, timeout);
            return null;
        });
    }

    /**
     * Return whether the client is connected, as its library says. Result: {connected: flag, reason: natural or null}.
     */
    @Override
    Object state(double timeout) {
        Map<String, Object> made = new HashMap<>();
        made.put("connected", client != null && client.connected());
        made.put("reason", client == null ? null : client.reason());
        return made;
    }

    private Client client() {
        if (client == null) throw new Refused(Codes.LOST, "there is no client: connect one first");
        return client;
    }

    private static <T> T told(Callable<T> asked) throws Exception {
        try {
            return asked.call();
        } catch (Exception error) {
            throw Client.meaning(error);
        }
    }
}
