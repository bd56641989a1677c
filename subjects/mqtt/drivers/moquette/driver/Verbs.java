package driver;

import static driver.Contract.*;

import io.moquette.broker.Server;
import io.moquette.broker.config.IConfig;
import io.moquette.broker.config.MemoryConfig;
import java.net.Socket;
import java.util.List;

/**
 * Moquette as the broker. It plays no client, so the verbs of one are not here.
 *
 * Its store is the documented one, H2. That is written every `autosave_interval`, of which the least is a second, and when
 * the broker ends: what came in the last second before a kill is lost. So `durable` is not claimed.
 */
final class Verbs extends Unimplemented {
    static final String NAME = "moquette";
    static final List<String> CAPABILITIES = List.of("qos2");

    private static final String LOOPBACK = "127.0.0.1";

    private Server broker;

    /** The broker ends with the process: its own end takes two seconds, in which Netty hopes for more to do. */
    @Override
    void closeAll() {}

    /** Be as a process that has just started. Result: null. */
    @Override
    Object reset(double timeout) {
        return stop(timeout);
    }

    /**
     * Start the broker on a port of 127.0.0.1; returns when it listens. Anybody may connect and do all. Result: null.
     */
    @Override
    synchronized Object serve(long port, String directory, boolean durable, double timeout) throws Exception {
        if (broker != null) throw new Refused(Codes.INVALID, "it serves already: stop it first");
        var config = new MemoryConfig(new java.util.Properties());
        config.setProperty(IConfig.HOST_PROPERTY_NAME, LOOPBACK);
        config.setProperty(IConfig.PORT_PROPERTY_NAME, Long.toString(port));
        config.setProperty(IConfig.DATA_PATH_PROPERTY_NAME, directory);
        config.setProperty(IConfig.ENABLE_TELEMETRY_NAME, "false"); // by default it calls its maintainers
        if (durable) {
            config.setProperty(IConfig.PERSISTENT_QUEUE_TYPE_PROPERTY_NAME, "h2");
            config.setProperty("autosave_interval", "1");
        }
        var starting = new Server();
        try {
            starting.startServer(config); // returns when its socket is bound
            new Socket(LOOPBACK, (int) port).close();
        } catch (Exception error) {
            starting.stopServer();
            throw new Refused(Codes.INVALID, "Moquette does not start: " + error);
        }
        broker = starting;
        return null;
    }

    /** End the broker in order, as its own documentation says; the process goes on. Result: null. */
    @Override
    synchronized Object stop(double timeout) {
        if (broker != null) broker.stopServer();
        broker = null;
        return null;
    }
}
