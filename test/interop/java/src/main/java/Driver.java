import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.ClientServiceProvider;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.consumer.FilterExpressionType;
import org.apache.rocketmq.client.apis.consumer.LitePushConsumer;
import org.apache.rocketmq.client.apis.consumer.MessageListener;
import org.apache.rocketmq.client.apis.consumer.OffsetOption;
import org.apache.rocketmq.client.apis.consumer.SimpleConsumer;
import org.apache.rocketmq.client.apis.message.MessageBuilder;
import org.apache.rocketmq.client.apis.message.MessageView;
import org.apache.rocketmq.client.apis.producer.Producer;
import org.apache.rocketmq.client.apis.producer.ProducerBuilder;
import org.apache.rocketmq.client.apis.producer.SendReceipt;
import org.apache.rocketmq.client.apis.producer.Transaction;
import org.apache.rocketmq.client.apis.producer.TransactionResolution;

/** The Java client behind the protocol of test/interop/PROTOCOL.md. */
public final class Driver {
  private static final ClientServiceProvider PROVIDER = ClientServiceProvider.loadService();
  private static final Pattern RESPONSE_CODE = Pattern.compile("response-code=(\\d+)");

  private static final boolean TLS = "true".equals(System.getenv("DRIVER_TLS"));

  private final Gson gson = new Gson();
  private final PrintStream out;
  private final Map<String, Closeable> clients = new ConcurrentHashMap<>();
  private final Map<String, Transaction> transactions = new ConcurrentHashMap<>();
  private final List<MessageView> received = new ArrayList<>();

  private Driver(PrintStream out) {
    this.out = out;
  }

  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    System.setOut(System.err); // standard output belongs to the protocol
    Driver driver = new Driver(out);
    ExecutorService workers = Executors.newCachedThreadPool();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonObject request = JsonParser.parseString(line).getAsJsonObject();
      workers.execute(() -> driver.serve(request));
    }
    Runtime.getRuntime().halt(0); // the clients' own threads do not end by themselves
  }

  private void serve(JsonObject request) {
    JsonObject line = new JsonObject();
    line.add("id", request.get("id"));
    try {
      line.add("result", answer(request));
    } catch (Throwable error) { // every failure is an answer
      line.add("error", show(error));
    }
    write(line);
  }

  private synchronized void write(JsonObject line) {
    out.println(gson.toJson(line));
    out.flush();
  }

  private JsonObject answer(JsonObject request) throws Exception {
    String name = text(request, "name");
    switch (text(request, "op")) {
      case "hello":
        return hello();
      case "producer":
        clients.put(name, producer(request));
        return new JsonObject();
      case "send":
        return send(request);
      case "end":
        end(request);
        return new JsonObject();
      case "recall":
        return recall(request);
      case "simple":
        clients.put(name, simple(request));
        return new JsonObject();
      case "receive":
        return receive(request);
      case "ack":
        ((SimpleConsumer) clients.get(name)).ack(view(request));
        return new JsonObject();
      case "change":
        ((SimpleConsumer) clients.get(name))
            .changeInvisibleDuration(view(request), millis(request, "invisibleMs"));
        return new JsonObject();
      case "push":
        clients.put(name, push(request));
        return new JsonObject();
      case "litePush":
        clients.put(name, litePush(request));
        return new JsonObject();
      case "subscribeLite":
        subscribeLite(request);
        return new JsonObject();
      case "unsubscribeLite":
        ((LitePushConsumer) clients.get(name)).unsubscribeLite(text(request, "liteTopic"));
        return new JsonObject();
      case "close":
        Closeable client = clients.remove(name);
        if (client != null) {
          client.close();
        }
        return new JsonObject();
      default:
        throw new IllegalArgumentException("unknown op " + text(request, "op"));
    }
  }

  private static JsonObject hello() {
    JsonObject result = new JsonObject();
    result.addProperty("client", "rocketmq-client-java");
    result.addProperty("version", System.getProperty("client.version"));
    return result;
  }

  private static ClientConfiguration configuration(JsonObject request) {
    return ClientConfiguration.newBuilder()
        .setEndpoints(text(request, "endpoints"))
        .enableSsl(TLS)
        .build();
  }

  private Producer producer(JsonObject request) throws Exception {
    ProducerBuilder builder = PROVIDER.newProducerBuilder()
        .setClientConfiguration(configuration(request))
        .setTopics(strings(request, "topics"));
    if (request.has("checker")) {
      TransactionResolution resolution =
          TransactionResolution.valueOf(text(request, "checker").toUpperCase(Locale.ROOT));
      builder.setTransactionChecker(message -> {
        writeEvent("check", request, message);
        return resolution;
      });
    }
    return builder.build();
  }

  private static SimpleConsumer simple(JsonObject request) throws Exception {
    return PROVIDER.newSimpleConsumerBuilder()
        .setClientConfiguration(configuration(request))
        .setConsumerGroup(text(request, "group"))
        .setAwaitDuration(millis(request, "awaitMs"))
        .setSubscriptionExpressions(subscriptions(request))
        .build();
  }

  private Closeable push(JsonObject request) throws Exception {
    return PROVIDER.newPushConsumerBuilder()
        .setClientConfiguration(configuration(request))
        .setConsumerGroup(text(request, "group"))
        .setSubscriptionExpressions(subscriptions(request))
        .setMessageListener(listener(request))
        .build();
  }

  private Closeable litePush(JsonObject request) throws Exception {
    return PROVIDER.newLitePushConsumerBuilder()
        .setClientConfiguration(configuration(request))
        .setConsumerGroup(text(request, "group"))
        .bindTopic(text(request, "parent"))
        .setMessageListener(listener(request))
        .build();
  }

  private MessageListener listener(JsonObject request) {
    int failBelowAttempt = request.get("failBelowAttempt").getAsInt();
    return message -> {
      writeEvent("message", request, message);
      return message.getDeliveryAttempt() < failBelowAttempt
          ? ConsumeResult.FAILURE
          : ConsumeResult.SUCCESS;
    };
  }

  private void subscribeLite(JsonObject request) throws Exception {
    LitePushConsumer consumer = (LitePushConsumer) clients.get(text(request, "name"));
    String liteTopic = text(request, "liteTopic");
    if (request.has("fromBeginning")) {
      consumer.subscribeLite(liteTopic, OffsetOption.MIN_OFFSET);
    } else {
      consumer.subscribeLite(liteTopic);
    }
  }

  private void writeEvent(String kind, JsonObject request, MessageView message) {
    JsonObject event = new JsonObject();
    event.addProperty("event", kind);
    event.add("name", request.get("name"));
    event.add("message", show(message));
    write(event);
  }

  private JsonObject send(JsonObject request) throws Exception {
    MessageBuilder builder = PROVIDER.newMessageBuilder()
        .setTopic(text(request, "topic"))
        .setBody(Base64.getDecoder().decode(text(request, "body")));
    if (request.has("tag")) {
      builder.setTag(text(request, "tag"));
    }
    if (request.has("keys")) {
      builder.setKeys(strings(request, "keys"));
    }
    if (request.has("messageGroup")) {
      builder.setMessageGroup(text(request, "messageGroup"));
    }
    if (request.has("deliverMs")) {
      builder.setDeliveryTimestamp(request.get("deliverMs").getAsLong());
    }
    if (request.has("priority")) {
      builder.setPriority(request.get("priority").getAsInt());
    }
    if (request.has("liteTopic")) {
      builder.setLiteTopic(text(request, "liteTopic"));
    }
    if (request.has("properties")) {
      for (Map.Entry<String, JsonElement> entry : request.getAsJsonObject("properties").entrySet()) {
        builder.addProperty(entry.getKey(), entry.getValue().getAsString());
      }
    }
    JsonObject result = new JsonObject();
    Producer producer = (Producer) clients.get(text(request, "name"));
    SendReceipt receipt;
    if (request.has("transaction")) {
      Transaction transaction = producer.beginTransaction();
      receipt = producer.send(builder.build(), transaction);
      transactions.put(receipt.getMessageId().toString(), transaction);
    } else {
      receipt = producer.send(builder.build());
    }
    result.addProperty("messageId", receipt.getMessageId().toString());
    result.addProperty("recallHandle", receipt.getRecallHandle());
    return result;
  }

  private void end(JsonObject request) throws Exception {
    Transaction transaction = transactions.get(text(request, "messageId"));
    if (text(request, "resolution").equals("commit")) {
      transaction.commit();
    } else {
      transaction.rollback();
    }
  }

  private JsonObject recall(JsonObject request) throws Exception {
    Producer producer = (Producer) clients.get(text(request, "name"));
    JsonObject result = new JsonObject();
    result.addProperty("messageId",
        producer.recallMessage(text(request, "topic"), text(request, "recallHandle"))
            .getMessageId().toString());
    return result;
  }

  private JsonObject receive(JsonObject request) throws Exception {
    SimpleConsumer consumer = (SimpleConsumer) clients.get(text(request, "name"));
    long start = System.nanoTime();
    List<MessageView> messages =
        consumer.receive(request.get("max").getAsInt(), millis(request, "invisibleMs"));
    JsonObject result = new JsonObject();
    result.addProperty("elapsedMs", (System.nanoTime() - start) / 1e6);
    JsonArray shown = new JsonArray();
    messages.forEach(message -> shown.add(show(message)));
    result.add("messages", shown);
    return result;
  }

  private JsonObject show(MessageView message) {
    JsonObject shown = new JsonObject();
    synchronized (received) {
      shown.addProperty("number", received.size());
      received.add(message);
    }
    ByteBuffer body = message.getBody();
    byte[] bytes = new byte[body.remaining()];
    body.get(bytes);
    shown.addProperty("messageId", message.getMessageId().toString());
    shown.addProperty("topic", message.getTopic());
    shown.addProperty("body", Base64.getEncoder().encodeToString(bytes));
    shown.addProperty("tag", message.getTag().orElse(""));
    shown.add("keys", gson.toJsonTree(new ArrayList<>(message.getKeys())));
    shown.add("properties", gson.toJsonTree(message.getProperties()));
    shown.addProperty("attempt", message.getDeliveryAttempt());
    shown.addProperty("corrupted", false); // the client never hands out a corrupt one
    message.getPriority().ifPresent(priority -> shown.addProperty("priority", priority));
    message.getLiteTopic().ifPresent(liteTopic -> shown.addProperty("liteTopic", liteTopic));
    return shown;
  }

  private static JsonObject show(Throwable error) {
    JsonObject shown = new JsonObject();
    shown.addProperty("name", error.getClass().getSimpleName());
    shown.addProperty("message", String.valueOf(error.getMessage()));
    for (Throwable at = error; at != null && !shown.has("code"); at = at.getCause()) {
      Matcher code = RESPONSE_CODE.matcher(String.valueOf(at.getMessage()));
      if (code.find()) {
        shown.addProperty("code", Integer.valueOf(code.group(1)));
      }
    }
    return shown;
  }

  private MessageView view(JsonObject request) {
    synchronized (received) {
      return received.get(request.get("message").getAsInt());
    }
  }

  private static Map<String, FilterExpression> subscriptions(JsonObject request) {
    Map<String, FilterExpression> map = new HashMap<>();
    request.getAsJsonObject("subscriptions").entrySet().forEach(
        entry -> map.put(entry.getKey(), filter(entry.getValue())));
    return map;
  }

  private static FilterExpression filter(JsonElement value) {
    if (value.isJsonPrimitive()) {
      return new FilterExpression(value.getAsString());
    }
    String sql = value.getAsJsonObject().get("sql").getAsString();
    return new FilterExpression(sql, FilterExpressionType.SQL92);
  }

  private static String text(JsonObject request, String key) {
    return request.has(key) ? request.get(key).getAsString() : "";
  }

  private static Duration millis(JsonObject request, String key) {
    return Duration.ofMillis(request.get(key).getAsLong());
  }

  private static String[] strings(JsonObject request, String key) {
    List<String> list = new ArrayList<>();
    request.getAsJsonArray(key).forEach(entry -> list.add(entry.getAsString()));
    return list.toArray(new String[0]);
  }
}
