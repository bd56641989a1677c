package driver;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A connection that carries lines, on either side. */
final class Client {
    private final Socket socket;
    private BufferedReader lines;

    static final class Gone extends RuntimeException {
        Gone(String message) {
            super(message);
        }
    }

    Client(Socket socket) {
        this.socket = socket;
    }

    static Client connect(int port) {
        try {
            return new Client(new Socket(InetAddress.getLoopbackAddress(), port));
        } catch (IOException error) {
            throw new Gone("nobody listens on port " + port + ": " + error.getMessage());
        }
    }

    synchronized String ask(String request) {
        send(request);
        return line();
    }

    /** Sends a line; that the other side has ended is said to who reads. */
    void send(String line) {
        try {
            socket.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException error) {
            return;
        }
    }

    /** Returns the next line, such as a change of what is watched. */
    String line() {
        try {
            if (lines == null) {
                lines = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            }
            String line = lines.readLine();
            if (line != null) return line;
        } catch (IOException error) {
            throw new Gone(error.getMessage());
        }
        throw new Gone("the other side has ended");
    }
}
