import grpc.health.v1.HealthGrpc;
import grpc.health.v1.HealthOuterClass.HealthCheckRequest;
import grpc.health.v1.HealthOuterClass.HealthCheckResponse;
import grpc.health.v1.HealthOuterClass.HealthCheckResponse.ServingStatus;
import hipstershop.AdServiceGrpc;
import hipstershop.Hipstershop.Ad;
import hipstershop.Hipstershop.AdRequest;
import hipstershop.Hipstershop.AdResponse;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The online shop's advertisements: those of the categories that the customer looks at, or two at random.
 *
 * <p>SEED (default 1) seeds the choice, so the n-th call of every run shows the same.
 */
final class Server extends AdServiceGrpc.AdServiceImplBase {
  private static final int RANDOM_ADS = 2;

  /** Seven advertisements by category; each leads to a product of the catalog. */
  private static final Map<String, List<Ad>> ADS =
      Map.of(
          "clothing", List.of(ad("66VCHSJNUP", "Tank tops: a fifth off now.")),
          "accessories", List.of(ad("1YMWWN1N4O", "Buy a watch and get another one for free.")),
          "footwear", List.of(ad("L9ECAV7KIM", "Two pairs of loafers for the price of one.")),
          "hair", List.of(ad("2ZYFJ3GM2N", "Hairdryers at half the price, this week.")),
          "decor", List.of(ad("0PUK6V6EV0", "Candle holders: a third off, while they last.")),
          "kitchen",
              List.of(
                  ad("9SIQT8TOJO", "Bamboo glass jars: ten per cent off."),
                  ad("6E92ZMYYFZ", "Buy two mugs, and we give you a third one.")));

  /** In the order of the product ids: that of a map differs from one start of Java to the next. */
  private static final List<Ad> ALL =
      ADS.values().stream()
          .flatMap(List::stream)
          .sorted((a, b) -> a.getRedirectUrl().compareTo(b.getRedirectUrl()))
          .toList();

  private final Random random;

  private Server(long seed) {
    random = new Random(seed);
  }

  private static Ad ad(String product, String text) {
    return Ad.newBuilder().setRedirectUrl("/product/" + product).setText(text).build();
  }

  @Override
  public void getAds(AdRequest request, StreamObserver<AdResponse> observer) {
    log("received ad request (context_words=" + request.getContextKeysList() + ")");
    List<Ad> ads = new ArrayList<>();
    for (String key : request.getContextKeysList()) {
      ads.addAll(ADS.getOrDefault(key, List.of()));
    }
    if (ads.isEmpty()) {
      for (int i = 0; i < RANDOM_ADS; i++) {
        ads.add(ALL.get(random.nextInt(ALL.size())));
      }
    }
    observer.onNext(AdResponse.newBuilder().addAllAds(ads).build());
    observer.onCompleted();
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
    String text = message.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
    System.out.println("{\"severity\": \"INFO\", \"name\": \"adservice\", \"message\": \"" + text + "\"}");
  }

  public static void main(String[] args) throws Exception {
    Map<String, String> environment = System.getenv();
    int port = Integer.parseInt(environment.getOrDefault("PORT", "9555"));
    long seed = Long.parseLong(environment.getOrDefault("SEED", "1"));
    io.grpc.Server server =
        NettyServerBuilder.forPort(port)
            .addService(new Server(seed))
            .addService(new Health())
            .build()
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    log("adservice listens on port " + port);
    server.awaitTermination();
  }
}
