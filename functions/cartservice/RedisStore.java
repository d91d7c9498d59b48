import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * Carts in Redis, by GET and SET over one connection (Redis serialization protocol, version 2).
 *
 * <p>Debian packages no Redis client for Java; the two commands need little of the protocol. After
 * an error the connection is closed, and the next call makes another.
 */
final class RedisStore implements Store {
  private final String host;
  private final int port;
  private Socket socket;
  private InputStream in;
  private OutputStream out;

  /** The server at an address of the form host:port; it is connected to at the first call. */
  RedisStore(String address) {
    int colon = address.lastIndexOf(':');
    host = address.substring(0, colon);
    port = Integer.parseInt(address.substring(colon + 1));
  }

  @Override
  public byte[] get(String key) throws IOException {
    return call(bytes("GET"), bytes(key));
  }

  @Override
  public void put(String key, byte[] value) throws IOException {
    call(bytes("SET"), bytes(key), value);
  }

  private synchronized byte[] call(byte[]... words) throws IOException {
    try {
      connect();
      send(words);
      return receive();
    } catch (IOException e) {
      disconnect();
      throw e;
    }
  }

  private void connect() throws IOException {
    if (socket == null) {
      socket = new Socket(host, port);
      socket.setTcpNoDelay(true);
      in = new BufferedInputStream(socket.getInputStream());
      out = new BufferedOutputStream(socket.getOutputStream());
    }
  }

  private void disconnect() throws IOException {
    if (socket != null) {
      socket.close();
      socket = null;
    }
  }

  /** A command is an array of strings, each with its length before it. */
  private void send(byte[][] words) throws IOException {
    out.write(bytes("*" + words.length + "\r\n"));
    for (byte[] word : words) {
      out.write(bytes("$" + word.length + "\r\n"));
      out.write(word);
      out.write(bytes("\r\n"));
    }
    out.flush();
  }

  /** A string with its length before it, nothing (length -1), a simple answer (+OK), or an error. */
  private byte[] receive() throws IOException {
    String line = line();
    if (line.isEmpty()) {
      throw new IOException("Redis answered with an empty line");
    }
    String rest = line.substring(1);
    switch (line.charAt(0)) {
      case '+':
        return bytes(rest);
      case '$':
        int length = Integer.parseInt(rest);
        if (length < 0) {
          return null;
        }
        byte[] value = in.readNBytes(length);
        if (value.length < length || !line().isEmpty()) {
          throw new EOFException("Redis ended in the middle of an answer");
        }
        return value;
      default:
        throw new IOException("Redis answered: " + line);
    }
  }

  private String line() throws IOException {
    StringBuilder text = new StringBuilder();
    int next;
    while ((next = in.read()) != '\r') {
      if (next < 0) {
        throw new EOFException("Redis closed the connection");
      }
      text.append((char) next);
    }
    in.read(); // The line feed.
    return text.toString();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
