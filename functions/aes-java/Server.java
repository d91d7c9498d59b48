import aes.AesGrpc;
import aes.AesOuterClass.PlainTextMessage;
import aes.AesOuterClass.ReturnEncryptionInfo;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.concurrent.Executors;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * AES encryption as a gRPC function in Java.
 *
 * <p>AES-128 in counter mode from the JDK, the counter begins at 0: the cipher, key and answers of
 * aes-go. The key schedule is computed anew for every request. An empty text, and the text "world",
 * stand for a default one. One worker thread serves one request at a time, as a serverless runtime
 * does.
 */
final class Server extends AesGrpc.AesImplBase {
  private static final int PORT = 50051;
  private static final int BLOCK_BYTES = 16;
  private static final byte[] KEY = HexFormat.of().parseHex("6368616e676520746869732070617373");
  private static final String DEFAULT_PLAINTEXT = "defaultplaintext";

  /** The ciphertext of text in hexadecimal. */
  static String encrypt(String text) throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/CTR/NoPadding");
    IvParameterSpec counter = new IvParameterSpec(new byte[BLOCK_BYTES]);
    cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(KEY, "AES"), counter);
    return HexFormat.of().formatHex(cipher.doFinal(text.getBytes(StandardCharsets.UTF_8)));
  }

  @Override
  public void showEncryption(
      PlainTextMessage request, StreamObserver<ReturnEncryptionInfo> observer) {
    String text = request.getPlaintextMessage();
    if (text.isEmpty() || text.equals("world")) {
      text = DEFAULT_PLAINTEXT;
    }
    try {
      String info =
          "fn: aes-java | input: " + text
              + " | output: " + encrypt(text)
              + " | runtime: java " + Runtime.version();
      observer.onNext(ReturnEncryptionInfo.newBuilder().setEncryptionInfo(info).build());
      observer.onCompleted();
    } catch (GeneralSecurityException e) {
      observer.onError(e);
    }
  }

  public static void main(String[] args) throws Exception {
    io.grpc.Server server =
        NettyServerBuilder.forPort(PORT)
            .executor(Executors.newSingleThreadExecutor())
            .addService(new Server())
            .build()
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    System.out.println("aes-java listens on port " + PORT);
    server.awaitTermination();
  }
}
