import auth.Auth.HelloReply;
import auth.Auth.HelloRequest;
import auth.GreeterGrpc;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.Executors;

/**
 * A mock authorizer as a gRPC function in Java.
 *
 * <p>What an authorizer of an API gateway does with a request's token: "allow" and "deny" become a
 * policy for one made-up method, "unauthorized" and anything else an outcome without one. The call
 * itself always succeeds. One worker thread serves one request at a time, as a serverless runtime
 * does.
 */
final class Server extends GreeterGrpc.GreeterImplBase {
  private static final int PORT = 50051;
  private static final String METHOD_ARN =
      "arn:aws:execute-api:eu-central-1:123456789012:vswarm/prod/GET/hello";

  // The form of a policy: "API Gateway Lambda authorizer output" in the documentation of AWS.
  record Policy(String principalId, PolicyDocument policyDocument, Context context) {}

  record PolicyDocument(String version, List<Statement> statement) {}

  record Statement(String action, String effect, String resource) {}

  record Context(String stringKey, int numberKey, boolean booleanKey) {}

  /** Lets the principal have the effect ("Allow", "Deny") on the resource. */
  static Policy newPolicy(String principal, String effect, String resource) {
    Statement statement = new Statement("execute-api:Invoke", effect, resource);
    return new Policy(
        principal,
        new PolicyDocument("2012-10-17", List.of(statement)),
        new Context("stringval", 123, true));
  }

  /** What the token gives, as text. */
  static String authorize(String token) {
    return switch (token) {
      case "allow" -> newPolicy("user", "Allow", METHOD_ARN).toString();
      case "deny" -> newPolicy("user", "Deny", METHOD_ARN).toString();
      case "unauthorized" -> "unauthorized";
      default -> "error: invalid token";
    };
  }

  @Override
  public void sayHello(HelloRequest request, StreamObserver<HelloReply> observer) {
    String message =
        "fn: auth-java | input: " + request.getName()
            + " | output: " + authorize(request.getName())
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
    System.out.println("auth-java listens on port " + PORT);
    server.awaitTermination();
  }
}
