package driver;

import static driver.Contract.*;

import java.util.List;
import java.util.function.Supplier;

/** A driver of KeyValue: its verbs, by the implementation in Server.java and Client.java. */
final class Verbs extends Unimplemented {
    static final String NAME = "java";
    static final List<String> CAPABILITIES = List.of();

    private int port;
    private Client client;
    private Client watcher;

    /** Releases what outlives the process: nothing. */
    @Override
    void closeAll() throws Exception {}

    @Override
    Object listen(double timeout) throws Exception {
        return new Server().port();
    }

    @Override
    Object connect(long port, double timeout) throws Exception {
        this.port = (int) port;
        client = refusing(() -> Client.connect(this.port));
        return null;
    }

    @Override
    Object set(String key, String value, double timeout) throws Exception {
        ask("SET " + key + " " + value);
        return null;
    }

    @Override
    Object get(String key, double timeout) throws Exception {
        return value(ask("GET " + key));
    }

    @Override
    Object delete(String key, double timeout) throws Exception {
        ask("DEL " + key);
        return null;
    }

    @Override
    Object expire(String key, long milliseconds, double timeout) throws Exception {
        if (ask("EXPIRE " + key + " " + milliseconds).equals("NONE")) {
            throw new Refused(Codes.MISSING, "there is no " + key + " that could expire");
        }
        return null;
    }

    @Override
    Object watch(String key, double timeout) throws Exception {
        watcher = refusing(() -> Client.connect(port));
        refusing(() -> watcher.ask("WATCH " + key));
        return null;
    }

    @Override
    Object change(double timeout) throws Exception {
        if (watcher == null) throw new Refused(Codes.GONE, "nothing is watched: watch first");
        return value(refusing(watcher::line));
    }

    private String ask(String request) {
        if (client == null) throw new Refused(Codes.GONE, "there is no connection: connect first");
        return refusing(() -> client.ask(request));
    }

    private static Object value(String answer) {
        return answer.startsWith("VALUE ") ? answer.substring("VALUE ".length()) : null;
    }

    /** Says in a code of the contract what the implementation says in its own way. */
    private static <T> T refusing(Supplier<T> work) {
        try {
            return work.get();
        } catch (Client.Gone error) {
            throw new Refused(Codes.GONE, error.getMessage());
        }
    }
}
