package driver;

import static driver.Contract.*;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What has arrived, in its order. */
final class Inbox {
    private static final int HEAD_BYTES = 64;
    private static final Map<String, Object> NO_PROPERTIES = properties(null, null, null, null, List.of());

    private final ArrayDeque<Map<String, Object>> messages = new ArrayDeque<>();
    private long last; // when one came, by System.nanoTime

    /** Keeps a message; without properties it is one of version 3.1.1. Whether it is a duplicate the library hides. */
    synchronized void put(String topic, byte[] payload, int qos, boolean retain, Map<String, Object> properties) {
        Map<String, Object> made = new LinkedHashMap<>();
        made.put("topic", topic);
        made.put("size", payload.length);
        made.put("head", hex(Arrays.copyOf(payload, Math.min(payload.length, HEAD_BYTES))));
        made.put("sha256", hex(digest(payload)));
        made.put("qos", qos);
        made.put("retain", retain);
        made.put("dup", null);
        made.put("properties", properties == null ? NO_PROPERTIES : properties);
        messages.add(made);
        last = System.nanoTime();
        notifyAll();
    }

    static Map<String, Object> properties(
        Long expiry, String contentType, String responseTopic, byte[] correlation, List<List<String>> user) {
        Map<String, Object> made = new LinkedHashMap<>();
        made.put("expiry", expiry);
        made.put("content_type", contentType);
        made.put("response_topic", responseTopic);
        made.put("correlation", correlation == null ? null : hex(correlation));
        made.put("user", user);
        return made;
    }

    /** Takes so many at most: once they are there, or none came for so long, or the time is over. */
    synchronized List<Map<String, Object>> take(long count, double quiet, double timeout) throws InterruptedException {
        long begin = System.nanoTime();
        long end = begin + nanoseconds(timeout);
        last = begin;
        while (messages.size() < count) {
            long until = quiet > 0 ? Math.min(end, last + nanoseconds(quiet)) : end;
            long rest = until - System.nanoTime();
            if (rest <= 0) break;
            wait(rest / 1_000_000, (int) (rest % 1_000_000));
        }
        List<Map<String, Object>> taken = new ArrayList<>();
        while (taken.size() < count && !messages.isEmpty()) taken.add(messages.poll());
        return taken;
    }

    static byte[] bytes(String name, String hex) {
        try {
            return HexFormat.of().parseHex(hex);
        } catch (IllegalArgumentException error) {
            throw new Misfit(name + ": " + error.getMessage());
        }
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    private static long nanoseconds(double seconds) {
        return (long) (seconds * 1e9);
    }

    private static byte[] digest(byte[] payload) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(payload);
        } catch (NoSuchAlgorithmException error) {
            throw new IllegalStateException(error); // every Java has it
        }
    }
}
