import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Carts in this process, gone when it ends. */
final class MemoryStore implements Store {
  private final Map<String, byte[]> values = new ConcurrentHashMap<>();

  @Override
  public byte[] get(String key) {
    return values.get(key);
  }

  @Override
  public void put(String key, byte[] value) {
    values.put(key, value);
  }
}
