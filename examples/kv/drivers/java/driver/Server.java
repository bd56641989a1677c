package driver;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** The server in Java. What is sent is sent under the lock, so that all see one order. */
final class Server {
    private final Map<String, String> values = new HashMap<>();
    private final Map<String, Future<?>> expiry = new HashMap<>();
    private final Map<String, List<Client>> watchers = new HashMap<>();
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(Server::thread);
    private final ServerSocket listener = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());

    Server() throws IOException {
        thread(this::accept).start();
    }

    int port() {
        return listener.getLocalPort();
    }

    private static Thread thread(Runnable work) {
        var thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    private void accept() {
        try {
            while (true) {
                Socket socket = listener.accept();
                thread(() -> serve(new Client(socket))).start();
            }
        } catch (IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }

    private void serve(Client client) {
        try {
            while (true) {
                String[] words = client.line().split(" ", 3);
                synchronized (this) {
                    client.send(answer(words[0], words[1], words.length > 2 ? words[2] : "", client));
                }
            }
        } catch (Client.Gone error) {
            return; // it has ended
        }
    }

    private String answer(String verb, String key, String rest, Client client) {
        switch (verb) {
            case "GET":
                return told(key);
            case "SET":
                change(key, rest);
                return "OK";
            case "DEL":
                change(key, null);
                return "OK";
            case "EXPIRE":
                return values.containsKey(key) ? letExpire(key, Long.parseLong(rest)) : "NONE";
            case "WATCH":
                watchers.computeIfAbsent(key, none -> new ArrayList<>()).add(client);
                return "OK";
            default:
                return "NONE";
        }
    }

    private String told(String key) {
        return values.containsKey(key) ? "VALUE " + values.get(key) : "NONE";
    }

    private void change(String key, String value) {
        expiry.remove(key);
        String before = value == null ? values.remove(key) : values.put(key, value);
        if (value == null && before == null) return;
        for (Client watcher : watchers.getOrDefault(key, List.of())) watcher.send(told(key));
    }

    private String letExpire(String key, long milliseconds) {
        var timer = new Future<?>[1];
        timer[0] = clock.schedule(() -> expire(key, timer), milliseconds, TimeUnit.MILLISECONDS);
        expiry.put(key, timer[0]);
        return "OK";
    }

    private synchronized void expire(String key, Future<?>[] timer) {
        if (expiry.get(key) == timer[0]) change(key, null); // it has not been set since
    }
}
