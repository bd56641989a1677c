package driver;

import static driver.Contract.*;

import com.hivemq.client.mqtt.MqttClient;
import com.hivemq.client.mqtt.lifecycle.MqttClientDisconnectedContext;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A client that connects once, of one of both versions. */
abstract class Client {
    private static final long MOMENT_MILLISECONDS = 1000;

    final Inbox inbox = new Inbox();
    private final CompletableFuture<String> lost = new CompletableFuture<>();

    /** What a client is connected with. */
    record Options(
        int port, String id, boolean clean, int keepAlive, Will will, Long sessionExpiry, Integer receiveMaximum) {}

    /** Returns the client of the library. */
    abstract MqttClient library();

    abstract Map<String, Object> connect(Options options, double timeout) throws Exception;

    abstract List<Integer> subscribe(List<Subscription> filters, double timeout) throws Exception;

    abstract void unsubscribe(List<String> filters, double timeout) throws Exception;

    /** Begins to publish; what comes of it is the reason that the broker gives. */
    abstract CompletableFuture<Integer> publish(
        String topic, byte[] payload, int qos, boolean retain, Properties properties);

    abstract void disconnect(boolean withWill, double timeout) throws Exception;

    /** Returns the reason of the DISCONNECT with which a broker ended this connection, if it gave one. */
    Integer reason() {
        return null;
    }

    final boolean connected() {
        return library().getState().isConnected();
    }

    /** To be called by the library when the connection has ended, or did not come to be. */
    void onDisconnected(MqttClientDisconnectedContext context) {
        lost.complete("the connection has ended: " + context.getCause());
    }

    /**
     * Waits for what was asked for, but not on a connection that has ended: there the library keeps a message for the
     * next one. The answer that came before the end is told by another thread, so it has a moment.
     */
    final <T> T await(CompletableFuture<T> asked, String what, double timeout) throws Exception {
        try {
            CompletableFuture.anyOf(asked, lost).exceptionally(error -> null)
                .get((long) (timeout * 1e3), TimeUnit.MILLISECONDS);
            return asked.get(MOMENT_MILLISECONDS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException error) {
            String cause = lost.getNow("there was none within " + timeout + " s");
            throw new Refused(Codes.LOST, "no " + what + ": " + cause);
        } catch (ExecutionException error) {
            throw error.getCause() instanceof Exception cause ? cause : error;
        }
    }

    /** Returns what an error of the library means; what is not its own stays what it is. */
    static Exception meaning(Exception error) {
        if (error instanceof Refused || error instanceof Misfit || error instanceof NotImplemented) return error;
        if (error instanceof IllegalArgumentException || error instanceof NullPointerException) {
            return new Refused(Codes.INVALID, "the library refuses it: " + error.getMessage());
        }
        boolean ended = error.getClass().getName().startsWith("com.hivemq.");
        return ended ? new Refused(Codes.LOST, error.toString()) : error;
    }
}
