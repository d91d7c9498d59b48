import fibonacci.Fibonacci.HelloReply;
import fibonacci.Fibonacci.HelloRequest;
import fibonacci.GreeterGrpc;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.math.BigInteger;
import java.util.concurrent.Executors;

/**
 * Fibonacci as a gRPC function in Java.
 *
 * <p>One worker thread serves one request at a time, as a serverless runtime does. A name that is
 * not a number counts as 0.
 */
final class Server extends GreeterGrpc.GreeterImplBase {
  private static final int PORT = 50051;

  /** The n-th Fibonacci number by n additions; fibonacci(0) is 0. */
  static BigInteger fibonacci(int n) {
    BigInteger current = BigInteger.ZERO;
    BigInteger following = BigInteger.ONE;
    for (int i = 0; i < n; i++) {
      BigInteger next = current.add(following);
      current = following;
      following = next;
    }
    return current;
  }

  private static int parse(String name) {
    try {
      return Integer.parseInt(name);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  @Override
  public void sayHello(HelloRequest request, StreamObserver<HelloReply> observer) {
    String message =
        "fn: fibonacci-java | input: " + request.getName()
            + " | output: " + fibonacci(parse(request.getName()))
            + " | runtime: java " + Runtime.version();
    observer.onNext(HelloReply.newBuilder().setMessage(message).build());
    observer.onCompleted();
  }

  public static void main(String[] args) throws Exception {
    io.grpc.Server server =
        NettyServerBuilder.forPort(PORT)
            .executor(Executors.newSingleThreadExecutor())
            .addService(new Server())
            .build()
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    System.out.println("fibonacci-java listens on port " + PORT);
    server.awaitTermination();
  }
}
