import java.io.IOException;

/** Where carts are. */
interface Store {
  /** What is stored under a key, or null. */
  byte[] get(String key) throws IOException;

  /** Stores a value under a key. */
  void put(String key, byte[] value) throws IOException;
}
