import com.alibaba.fastjson2.JSON;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * What Apache's Remoting clients do in the exchange of directories. One command a run, its result as one
 * line of JSON on standard output behind "RESULT ".
 *
 *   Remote NAMESRV BROKER setup TOPIC=TYPE... -- GROUP...   makes topics and groups
 *   Remote NAMESRV BROKER send PREFIX                       a message of each kind; those that must be visible
 *   Remote NAMESRV BROKER pend PREFIX                       messages due in 30 s, a transaction that nobody ends
 *   Remote NAMESRV BROKER read TOPIC...                     all messages that the broker has
 */
public class Remote {
  private static final long WAIT_MS = 60_000;
  private static String namesrv;
  private static String broker;

  public static void main(String[] args) {
    namesrv = args[0];
    broker = args[1];
    var rest = List.of(args).subList(3, args.length);
    try {
      System.out.println("RESULT " + JSON.toJSONString(run(args[2], rest)));
      System.exit(0);
    } catch (Exception error) {
      // The threads of a client that was not shut down would keep the process.
      error.printStackTrace();
      System.exit(1);
    }
  }

  private static Object run(String command, List<String> rest) throws Exception {
    return switch (command) {
      case "setup" -> setup(rest);
      case "send" -> send(rest.get(0));
      case "pend" -> pend(rest.get(0));
      case "read" -> read(rest);
      default -> throw new IllegalArgumentException(command);
    };
  }

  private static Object setup(List<String> names) throws Exception {
    var admin = new DefaultMQAdminExt();
    admin.setNamesrvAddr(namesrv);
    admin.start();
    int split = names.indexOf("--");
    for (var name : names.subList(0, split)) {
      var parts = name.split("=");
      var topic = new TopicConfig(parts[0], 2, 2);
      topic.setAttributes(new HashMap<>(Map.of("+message.type", parts[1])));
      admin.createAndUpdateTopicConfig(broker, topic);
    }
    for (var name : names.subList(split + 1, names.size())) {
      var group = new SubscriptionGroupConfig();
      group.setGroupName(name);
      group.setRetryMaxTimes(5);
      admin.createAndUpdateSubscriptionGroupConfig(broker, group);
    }
    admin.shutdown();
    return names;
  }

  private static Object send(String prefix) throws Exception {
    var sent = new ArrayList<Map<String, Object>>();
    var producer = new TransactionMQProducer("remote-" + prefix);
    producer.setNamesrvAddr(namesrv);
    producer.setTransactionListener(new Outcome());
    producer.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
    producer.setSendMsgTimeout((int) WAIT_MS);
    producer.setMqClientApiTimeout((int) WAIT_MS);
    producer.start();

    var plain = message("plain", prefix + "-plain");
    sent.add(shown(plain, producer.send(plain).getMsgId()));
    var full = message("plain", prefix + "-full");
    full.setTags("TagA");
    full.setKeys(List.of("order-1", "order-2"));
    full.putUserProperty("color", "bl\u00e4u");
    sent.add(shown(full, producer.send(full).getMsgId()));
    var unicode = message("plain", prefix + "-\u4e2d\u6587 \ud83d\ude00");
    sent.add(shown(unicode, producer.send(unicode).getMsgId()));
    var large = new Message("plain", (prefix + "-large " + "x".repeat(3_500_000)).getBytes(StandardCharsets.UTF_8));
    sent.add(shown(large, producer.send(large).getMsgId()));

    var batch = new ArrayList<Message>();
    for (int i = 0; i < 3; i++) {
      var part = message("plain", prefix + "-batch-" + i);
      part.setTags("Batch" + i);
      batch.add(part);
    }
    var ids = producer.send(batch).getMsgId().split(",");
    for (int i = 0; i < 3; i++) sent.add(shown(batch.get(i), ids[i]));

    long delayedBefore = countOf(producer, "later");
    var level = message("later", prefix + "-level");
    level.setTags("TagB");
    level.setDelayTimeLevel(1);
    sent.add(shown(level, producer.send(level).getMsgId()));
    var timer = message("later", prefix + "-timer");
    timer.setDelayTimeMs(1500);
    sent.add(shown(timer, producer.send(timer).getMsgId()));

    long committedBefore = countOf(producer, "deal");
    var committed = message("deal", prefix + "-committed");
    committed.setTags("TagC");
    sent.add(shown(committed, producer.sendMessageInTransaction(committed, true).getMsgId()));
    producer.sendMessageInTransaction(message("deal", prefix + "-rolled-back"), false);

    until(() -> countOf(producer, "later") == delayedBefore + 2);
    until(() -> countOf(producer, "deal") == committedBefore + 1);
    producer.shutdown();
    return sent;
  }

  private static Object pend(String prefix) throws Exception {
    var producer = new TransactionMQProducer("remote-" + prefix);
    producer.setNamesrvAddr(namesrv);
    producer.setTransactionListener(new Outcome());
    producer.setSendMsgTimeout((int) WAIT_MS);
    producer.setMqClientApiTimeout((int) WAIT_MS);
    producer.start();
    var level = message("later", prefix + "-level");
    level.setTags("TagB");
    level.setDelayTimeLevel(4);
    producer.send(level);
    var timer = message("later", prefix + "-timer");
    timer.setKeys("k1");
    timer.setDelayTimeMs(30_000);
    producer.send(timer);
    producer.sendMessageInTransaction(message("deal", prefix + "-open"), null);
    producer.shutdown();
    return List.of();
  }

  @SuppressWarnings("deprecation")
  private static Object read(List<String> topics) throws Exception {
    var consumer = new DefaultMQPullConsumer("remote-reader");
    consumer.setNamesrvAddr(namesrv);
    consumer.setMqClientApiTimeout((int) WAIT_MS);
    consumer.setConsumerPullTimeoutMillis(WAIT_MS);
    consumer.start();
    var seen = new ArrayList<Map<String, Object>>();
    for (var topic : topics) {
      for (var queue : consumer.fetchSubscribeMessageQueues(topic)) {
        long end = consumer.maxOffset(queue);
        for (long at = consumer.minOffset(queue); at < end; ) {
          var pulled = consumer.pull(queue, "*", at, 32);
          if (pulled.getPullStatus() == PullStatus.FOUND) {
            for (var message : pulled.getMsgFoundList()) seen.add(shown(message, message.getMsgId()));
          }
          if (pulled.getNextBeginOffset() <= at) break;
          at = pulled.getNextBeginOffset();
        }
      }
    }
    consumer.shutdown();
    return seen;
  }

  private static Message message(String topic, String body) {
    return new Message(topic, body.getBytes(StandardCharsets.UTF_8));
  }

  private static Map<String, Object> shown(Message message, String id) {
    var properties = new TreeMap<String, String>();
    for (var property : message.getProperties().entrySet()) {
      if (!MessageConst.STRING_HASH_SET.contains(property.getKey())
          && !property.getKey().startsWith("__")) {
        properties.put(property.getKey(), property.getValue());
      }
    }
    var shown = new HashMap<String, Object>();
    shown.put("topic", message.getTopic());
    shown.put("messageId", id);
    shown.put("body", Base64.getEncoder().encodeToString(message.getBody()));
    shown.put("tag", message.getTags() == null ? "" : message.getTags());
    shown.put("keys", message.getKeys() == null ? List.of() : List.of(message.getKeys().split(" ")));
    shown.put("properties", properties);
    return shown;
  }

  private static long countOf(DefaultMQProducer producer, String topic) throws Exception {
    long count = 0;
    for (var queue : producer.fetchPublishMessageQueues(topic)) count += producer.maxOffset(queue);
    return count;
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void until(Condition condition) throws Exception {
    for (long end = System.currentTimeMillis() + WAIT_MS; !condition.holds(); Thread.sleep(200)) {
      if (System.currentTimeMillis() > end) throw new IllegalStateException("waited in vain");
    }
  }

  private static class Outcome implements TransactionListener {
    @Override
    public LocalTransactionState executeLocalTransaction(Message message, Object commit) {
      if (commit == null) return LocalTransactionState.UNKNOW;
      return (boolean) commit
          ? LocalTransactionState.COMMIT_MESSAGE
          : LocalTransactionState.ROLLBACK_MESSAGE;
    }

    @Override
    public LocalTransactionState checkLocalTransaction(MessageExt message) {
      return LocalTransactionState.UNKNOW;
    }
  }
}
