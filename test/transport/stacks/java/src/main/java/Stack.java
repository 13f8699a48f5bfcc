import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What a client on grpc-java sees of the server: one line a scenario, {@code ok NAME} or {@code failed NAME: why}.
 *
 * <pre>java Stack CALLS_ADDRESS AGING_ADDRESS [CERTIFICATE]</pre>
 */
public final class Stack {
  private interface Scenario {
    void run(Channel channel) throws Exception;
  }

  /** Messages are the bytes that they are. */
  private static final MethodDescriptor.Marshaller<byte[]> BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        }
      };

  private static final byte[] NOTHING = {};
  private static final Metadata.Key<String> TEXT =
      Metadata.Key.of("x-text", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<byte[]> BINARY =
      Metadata.Key.of("x-bytes-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private static String[] arguments;

  private static ManagedChannel connect(String address) throws IOException {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forTarget("dns:///" + address).maxInboundMessageSize(16 << 20);
    if (arguments.length > 2) {
      File certificate = new File(arguments[2]);
      builder
          .sslContext(GrpcSslContexts.forClient().trustManager(certificate).build())
          .overrideAuthority("localhost");
    } else {
      builder.usePlaintext();
    }
    return builder.build();
  }

  private static ClientCall<byte[], byte[]> open(Channel channel, MethodType type, String name) {
    return open(channel, type, name, patience());
  }

  private static ClientCall<byte[], byte[]> open(
      Channel channel, MethodType type, String name, CallOptions options) {
    MethodDescriptor<byte[], byte[]> method =
        MethodDescriptor.newBuilder(BYTES, BYTES)
            .setType(type)
            .setFullMethodName("test.Stacks/" + name)
            .build();
    return channel.newCall(method, options);
  }

  private static CallOptions patience() {
    return CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS).withWaitForReady();
  }

  private static byte[] unary(Channel channel, String name, byte[] request) {
    ClientCall<byte[], byte[]> call = open(channel, MethodType.UNARY, name);
    try {
      return ClientCalls.futureUnaryCall(call, request).get();
    } catch (ExecutionException error) {
      throw (StatusRuntimeException) error.getCause();
    } catch (InterruptedException error) {
      throw new IllegalStateException(error);
    }
  }

  private static int count(Channel channel, String name) {
    return Integer.parseInt(
        new String(unary(channel, name, NOTHING), StandardCharsets.US_ASCII));
  }

  /** Waits for a count of the server's to reach what is wanted. */
  private static void until(Channel channel, String name, int wanted) throws Exception {
    for (int attempt = 0; attempt < 200; attempt++) {
      if (count(channel, name) >= wanted) return;
      Thread.sleep(20);
    }
    throw new IllegalStateException(name + " stays below " + wanted);
  }

  private static Status statusOf(Runnable work) {
    try {
      work.run();
    } catch (StatusRuntimeException error) {
      return error.getStatus();
    }
    return Status.OK;
  }

  private static void want(Object got, Object wanted) {
    if (!wanted.equals(got)) throw new IllegalStateException(got + " instead of " + wanted);
  }

  private static void wantBytes(byte[] got, byte[] wanted) {
    if (Arrays.equals(got, wanted)) return;
    throw new IllegalStateException(got.length + " other bytes instead of " + wanted.length);
  }

  private static byte[] content(int size) {
    byte[] bytes = new byte[size];
    new Random(7).nextBytes(bytes);
    return bytes;
  }

  private static void unaryCalls(Channel channel) {
    for (int size = 0; size < 100; size++) {
      wantBytes(unary(channel, "Unary", content(size)), content(size));
    }
  }

  private static void metadata(Channel channel) {
    Metadata sent = new Metadata();
    sent.put(TEXT, "plain");
    sent.put(BINARY, new byte[] {0, -1, 1});
    AtomicReference<Metadata> head = new AtomicReference<>();
    AtomicReference<Metadata> trailers = new AtomicReference<>();
    Channel heard =
        ClientInterceptors.intercept(
            channel,
            MetadataUtils.newAttachHeadersInterceptor(sent),
            MetadataUtils.newCaptureMetadataInterceptor(head, trailers));
    unary(heard, "Unary", NOTHING);
    want(head.get().get(TEXT), "plain");
    wantBytes(trailers.get().get(BINARY), new byte[] {0, -1, 1});
  }

  private static void status(Channel channel) {
    Status failed = statusOf(() -> unary(channel, "Fail", NOTHING));
    want(failed.getCode(), Status.Code.FAILED_PRECONDITION);
    want(failed.getDescription(), "100 % gr\u00f6\u00dfer\n\t\ud83d\ude08 ");
    Status missing = statusOf(() -> unary(channel, "Missing", NOTHING));
    want(missing.getCode(), Status.Code.UNIMPLEMENTED);
  }

  private static void serverStreaming(Channel channel) {
    byte[] request = content(4000);
    Iterator<byte[]> answers =
        ClientCalls.blockingServerStreamingCall(
            open(channel, MethodType.SERVER_STREAMING, "Spread"), request);
    int count = 0;
    for (; answers.hasNext(); count++) wantBytes(answers.next(), request);
    want(count, 1000);
  }

  private static void clientStreaming(Channel channel) throws Exception {
    byte[] request = content(2000);
    Heard heard = new Heard();
    StreamObserver<byte[]> requests =
        ClientCalls.asyncClientStreamingCall(
            open(channel, MethodType.CLIENT_STREAMING, "Collect"), heard);
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int count = 0; count < 1000; count++) {
      requests.onNext(request);
      all.write(request);
    }
    requests.onCompleted();
    wantBytes((byte[]) heard.next(), all.toByteArray());
    want(heard.next(), Status.OK.getCode());
  }

  /** What a stream of answers brings, and its code at the end. */
  private static final class Heard implements ClientResponseObserver<byte[], byte[]> {
    private final BlockingQueue<Object> queue = new LinkedBlockingQueue<>();
    private ClientCallStreamObserver<byte[]> call;

    Object next() throws InterruptedException {
      Object next = queue.poll(20, TimeUnit.SECONDS);
      if (next == null) throw new IllegalStateException("nothing came");
      return next;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<byte[]> requests) {
      call = requests;
    }

    @Override
    public void onNext(byte[] answer) {
      queue.add(answer);
    }

    @Override
    public void onError(Throwable error) {
      queue.add(Status.fromThrowable(error).getCode());
    }

    @Override
    public void onCompleted() {
      queue.add(Status.OK.getCode());
    }
  }

  private static Heard talk(Channel channel, String name) {
    Heard heard = new Heard();
    ClientCalls.asyncBidiStreamingCall(open(channel, MethodType.BIDI_STREAMING, name), heard);
    return heard;
  }

  private static void chat(Channel channel, int rounds) throws Exception {
    Heard heard = talk(channel, "Chat");
    for (int round = 0; round < rounds; round++) {
      heard.call.onNext(content(100 + round));
      wantBytes((byte[]) heard.next(), content(100 + round));
    }
    heard.call.onCompleted();
    want(heard.next(), Status.OK.getCode());
  }

  private static void deadline(Channel channel) throws Exception {
    int before = count(channel, "Cancelled");
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(100, TimeUnit.MILLISECONDS);
    Status late =
        statusOf(
            () ->
                ClientCalls.blockingUnaryCall(
                    open(channel, MethodType.UNARY, "Sleep", options), NOTHING));
    want(late.getCode(), Status.Code.DEADLINE_EXCEEDED);
    until(channel, "Cancelled", before + 1);
  }

  private static void cancel(Channel channel) throws Exception {
    int before = count(channel, "Cancelled");
    Heard heard = talk(channel, "Hold");
    heard.call.onNext(content(10));
    wantBytes((byte[]) heard.next(), content(10));
    heard.call.cancel("enough", null);
    want(heard.next(), Status.Code.CANCELLED);
    until(channel, "Cancelled", before + 1);
  }

  private static void largeMessage(Channel channel) {
    byte[] request = content(4 << 20);
    wantBytes(unary(channel, "Unary", request), request);
    Status tooLarge = statusOf(() -> unary(channel, "Unary", content((4 << 20) + 1)));
    want(tooLarge.getCode(), Status.Code.RESOURCE_EXHAUSTED);
  }

  private static void gzip(Channel channel) {
    int before = count(channel, "Wire");
    byte[] request = new byte[3 << 20];
    CallOptions packed = patience().withCompression("gzip");
    byte[] answer =
        ClientCalls.blockingUnaryCall(open(channel, MethodType.UNARY, "Unary", packed), request);
    wantBytes(answer, request);
    int passed = count(channel, "Wire") - before;
    if (passed > 200_000) throw new IllegalStateException(passed + " bytes went over the wire");
  }

  private static void parallelStreams(Channel channel) throws Exception {
    byte[] request = content(1000);
    List<Future<byte[]>> calls = new ArrayList<>();
    for (int count = 0; count < 2000; count++) {
      calls.add(ClientCalls.futureUnaryCall(open(channel, MethodType.UNARY, "Unary"), request));
    }
    for (Future<byte[]> call : calls) wantBytes(call.get(), request);
    List<Heard> streams = new ArrayList<>();
    for (int count = 0; count < 500; count++) streams.add(talk(channel, "Chat"));
    for (int round = 0; round < 5; round++) {
      for (Heard stream : streams) stream.call.onNext(request);
      for (Heard stream : streams) wantBytes((byte[]) stream.next(), request);
    }
    for (Heard stream : streams) stream.call.onCompleted();
    for (Heard stream : streams) want(stream.next(), Status.OK.getCode());
  }

  private static void reconnect(Channel channel) {
    for (int round = 0; round < 5; round++) {
      Status cut = statusOf(() -> unary(channel, "Cut", NOTHING));
      want(cut.getCode(), Status.Code.UNAVAILABLE);
      unary(channel, "Unary", content(5));
    }
  }

  private static void agedConnections(Channel ignored) throws IOException {
    ManagedChannel channel = connect(arguments[1]);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(4);
    while (System.nanoTime() < end) unary(channel, "Unary", content(100));
    channel.shutdownNow();
  }

  public static void main(String[] args) throws IOException {
    arguments = args;
    Map<String, Scenario> scenarios = new LinkedHashMap<>();
    scenarios.put("unary", Stack::unaryCalls);
    scenarios.put("metadata", Stack::metadata);
    scenarios.put("status", Stack::status);
    scenarios.put("server streaming", Stack::serverStreaming);
    scenarios.put("client streaming", Stack::clientStreaming);
    scenarios.put("bidirectional streaming", channel -> chat(channel, 200));
    scenarios.put("deadline", Stack::deadline);
    scenarios.put("cancel", Stack::cancel);
    scenarios.put("large message", Stack::largeMessage);
    scenarios.put("gzip", Stack::gzip);
    scenarios.put("many parallel streams", Stack::parallelStreams);
    scenarios.put("reconnect", Stack::reconnect);
    scenarios.put("connections that end by age", Stack::agedConnections);
    ManagedChannel channel = connect(args[0]);
    scenarios.forEach(
        (name, scenario) -> {
          try {
            scenario.run(channel);
            System.out.println("ok " + name);
          } catch (Exception error) {
            System.out.println("failed " + name + ": " + error.toString().replace('\n', ' '));
          }
        });
    channel.shutdownNow();
  }
}
