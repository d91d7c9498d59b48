import grpc.health.v1.HealthGrpc;
import grpc.health.v1.HealthOuterClass.HealthCheckRequest;
import grpc.health.v1.HealthOuterClass.HealthCheckResponse;
import grpc.health.v1.HealthOuterClass.HealthCheckResponse.ServingStatus;
import hipstershop.CartServiceGrpc;
import hipstershop.Hipstershop.AddItemRequest;
import hipstershop.Hipstershop.Cart;
import hipstershop.Hipstershop.CartItem;
import hipstershop.Hipstershop.Empty;
import hipstershop.Hipstershop.EmptyCartRequest;
import hipstershop.Hipstershop.GetCartRequest;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.Map;

/**
 * The online shop's carts, each kept under its user's id as the bytes of a Cart message.
 *
 * <p>The original is in C#; Debian packages no .NET for riscv64. Carts are in Redis if REDIS_ADDR
 * (host:port) names one, else in memory. STANDING_CART ("user=product:quantity,product:quantity")
 * names a user whose cart is never empty: so a checkout, which empties it, finds something every time.
 */
final class Server extends CartServiceGrpc.CartServiceImplBase {
  private final Store store;
  private final Cart standing;

  private Server(Store store, Cart standing) {
    this.store = store;
    this.standing = standing;
  }

  @Override
  public void addItem(AddItemRequest request, StreamObserver<Empty> observer) {
    log("AddItem called with userId=" + request.getUserId());
    answer(
        observer,
        () -> {
          Cart cart = added(stored(request.getUserId()), request.getItem());
          store.put(request.getUserId(), cart.toBuilder().setUserId(request.getUserId()).build().toByteArray());
          return Empty.getDefaultInstance();
        });
  }

  @Override
  public void getCart(GetCartRequest request, StreamObserver<Cart> observer) {
    log("GetCart called with userId=" + request.getUserId());
    answer(
        observer,
        () -> {
          Cart cart = stored(request.getUserId());
          boolean refill = cart.getItemsCount() == 0 && request.getUserId().equals(standing.getUserId());
          return refill ? standing : cart;
        });
  }

  @Override
  public void emptyCart(EmptyCartRequest request, StreamObserver<Empty> observer) {
    log("EmptyCart called with userId=" + request.getUserId());
    answer(
        observer,
        () -> {
          store.put(request.getUserId(), Cart.getDefaultInstance().toByteArray());
          return Empty.getDefaultInstance();
        });
  }

  /** A cart that was never stored is an empty one. */
  private Cart stored(String user) throws IOException {
    byte[] bytes = store.get(user);
    return bytes == null ? Cart.getDefaultInstance() : Cart.parseFrom(bytes);
  }

  /** The cart with an item more, or with more of an item that it has. */
  private static Cart added(Cart cart, CartItem item) {
    Cart.Builder builder = cart.toBuilder();
    for (int i = 0; i < builder.getItemsCount(); i++) {
      CartItem.Builder line = builder.getItemsBuilder(i);
      if (line.getProductId().equals(item.getProductId())) {
        line.setQuantity(line.getQuantity() + item.getQuantity());
        return builder.build();
      }
    }
    return builder.addItems(item).build();
  }

  /** Work that reads or writes the store. */
  private interface Work<T> {
    T run() throws IOException;
  }

  private static <T> void answer(StreamObserver<T> observer, Work<T> work) {
    try {
      observer.onNext(work.run());
      observer.onCompleted();
    } catch (IOException e) {
      String reason = "Can't access cart storage. " + e.getMessage();
      observer.onError(Status.FAILED_PRECONDITION.withDescription(reason).asRuntimeException());
    }
  }

  /** Always well. */
  private static final class Health extends HealthGrpc.HealthImplBase {
    @Override
    public void check(HealthCheckRequest request, StreamObserver<HealthCheckResponse> observer) {
      observer.onNext(HealthCheckResponse.newBuilder().setStatus(ServingStatus.SERVING).build());
      observer.onCompleted();
    }
  }

  private static void log(String message) {
    System.out.println(message);
  }

  /** Reads STANDING_CART; without one, no user has a standing cart. */
  private static Cart standingCart(String text) {
    Cart.Builder cart = Cart.newBuilder();
    if (text.isEmpty()) {
      return cart.build();
    }
    String[] userAndItems = text.split("=", 2);
    cart.setUserId(userAndItems[0]);
    for (String item : userAndItems[1].split(",")) {
      String[] productAndQuantity = item.split(":", 2);
      cart.addItems(
          CartItem.newBuilder()
              .setProductId(productAndQuantity[0])
              .setQuantity(Integer.parseInt(productAndQuantity[1])));
    }
    return cart.build();
  }

  public static void main(String[] args) throws Exception {
    Map<String, String> environment = System.getenv();
    int port = Integer.parseInt(environment.getOrDefault("PORT", "7070"));
    String redis = environment.getOrDefault("REDIS_ADDR", "");
    Store store = redis.isEmpty() ? new MemoryStore() : new RedisStore(redis);
    Cart standing = standingCart(environment.getOrDefault("STANDING_CART", ""));
    io.grpc.Server server =
        NettyServerBuilder.forPort(port)
            .addService(new Server(store, standing))
            .addService(new Health())
            .build()
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    log("cartservice listens on port " + port + ", carts are in " + (redis.isEmpty() ? "memory" : redis));
    server.awaitTermination();
  }
}
