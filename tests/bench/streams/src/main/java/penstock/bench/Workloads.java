package penstock.bench;

import com.alibaba.fastjson2.JSON;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.StreamJoined;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;

/** The workloads as a Kafka Streams user writes them: JSON by fastjson2 into plain objects, text keys, default stores. */
final class Workloads {
    /** A card payment, every field read. */
    public static final class Transaction {
        public long id;
        public long ts;
        public String user;
        public String card;
        public long amount;
        public String currency;
        public String merchant;
        public String country;
    }

    /** What W1 writes. */
    public static final class Masked {
        public long id;
        public String user;
        public String card;
        public long amount;
    }

    /** What W2 writes. */
    public static final class Count {
        public long n;
    }

    /** What W3 keeps. */
    static final class Sums {
        long sum;
        long n;
    }

    /** What W3 writes. */
    public static final class Minute {
        public String user;
        public long ws;
        public long we;
        public long sum;
        public long n;
    }

    /** A customer, every field read. */
    public static final class Customer {
        public String cust;
        public String name;
        public String tier;
        public String country;
        public String email;
        public long since;
        public long credit;
        public long ts;
    }

    /** A purchase, every field read. */
    public static final class Purchase {
        public long id;
        public long ts;
        public String cust;
        public String sku;
        public long qty;
        public long amount;
        public String currency;
        public String store;
    }

    /** What W4 writes. */
    public static final class Enriched {
        public long id;
        public long ts;
        public String cust;
        public String name;
        public String tier;
        public String country;
        public String sku;
        public long qty;
        public long amount;
    }

    /** An ad's impression, every field read. */
    public static final class Impression {
        public String imp;
        public long ts;
        public String user;
        public String ad;
        public String campaign;
        public String site;
        public String country;
        public long cost;
    }

    /** A click, every field read. */
    public static final class Click {
        public long id;
        public long ts;
        public String imp;
        public String user;
        public String device;
        public String ref;
        public int x;
        public int y;
    }

    /** What W5 writes. */
    public static final class Matched {
        public String imp;
        public String ad;
        public String campaign;
        public String user;
        public long its;
        public long cts;
        public long dt;
        public long cost;
        public String ref;
    }

    private Workloads() {}

    /**
     * W1: amount over 50000, card masked, four fields. W2: count per key. W3: sum and count per key and minute. W4: purchases with their
     * customers. W5: clicks with their impressions. Every update is written. inputs: topics by commas, in that order.
     */
    static Topology build(String workload, String inputs, String output, Progress progress) {
        StreamsBuilder builder = new StreamsBuilder();
        Serde<String> text = Serdes.String();
        String[] in = inputs.split(",");
        switch (workload) {
            case "w1" -> builder.stream(in[0], Consumed.with(text, reading(Transaction.class, progress)))
                .filter((user, t) -> t.amount > 50_000)
                .mapValues(Workloads::mask)
                .to(output, Produced.with(text, Workloads.<Masked>writing()));
            case "w2" -> builder.stream(in[0], Consumed.with(text, reading(Transaction.class, progress)))
                .groupByKey()
                .count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts").withKeySerde(text).withValueSerde(Serdes.Long()))
                .toStream()
                .mapValues(Workloads::count)
                .to(output, Produced.with(text, Workloads.<Count>writing()));
            case "w3" -> builder.stream(in[0], Consumed.with(text, reading(Transaction.class, progress)))
                .groupByKey()
                .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMinutes(1), Duration.ofSeconds(10)))
                .aggregate(Sums::new, (user, t, sums) -> add(sums, t),
                    Materialized.<String, Sums, WindowStore<Bytes, byte[]>>as("minutes").withKeySerde(text).withValueSerde(sums()))
                .toStream()
                .map((user, sums) -> KeyValue.pair(user.key(), minute(user, sums)))
                .to(output, Produced.with(text, Workloads.<Minute>writing()));
            case "w4" -> {
                KTable<String, Customer> customers = builder.table(in[1], Consumed.with(text, reading(Customer.class, progress)),
                    Materialized.<String, Customer, KeyValueStore<Bytes, byte[]>>as("customers").withKeySerde(text).withValueSerde(both(Customer.class)));
                builder.stream(in[0], Consumed.with(text, reading(Purchase.class, progress)))
                    .join(customers, Workloads::enrich)
                    .to(output, Produced.with(text, Workloads.<Enriched>writing()));
            }
            case "w5" -> {
                KStream<String, Click> clicks = builder.stream(in[1], Consumed.with(text, reading(Click.class, progress)));
                builder.stream(in[0], Consumed.with(text, reading(Impression.class, progress)))
                    .join(clicks, Workloads::match, JoinWindows.ofTimeDifferenceAndGrace(Duration.ofMinutes(10), Duration.ofSeconds(10)),
                        StreamJoined.with(text, both(Impression.class), both(Click.class)).withName("ic").withStoreName("ic"))
                    .to(output, Produced.with(text, Workloads.<Matched>writing()));
            }
            default -> throw new IllegalArgumentException(workload);
        }
        return builder.build();
    }

    private static Sums add(Sums sums, Transaction t) {
        sums.sum += t.amount;
        sums.n++;
        return sums;
    }

    private static Minute minute(Windowed<String> user, Sums sums) {
        Minute minute = new Minute();
        minute.user = user.key();
        minute.ws = user.window().start();
        minute.we = user.window().end();
        minute.sum = sums.sum;
        minute.n = sums.n;
        return minute;
    }

    private static Enriched enrich(Purchase p, Customer c) {
        Enriched enriched = new Enriched();
        enriched.id = p.id;
        enriched.ts = p.ts;
        enriched.cust = p.cust;
        enriched.name = c.name;
        enriched.tier = c.tier;
        enriched.country = c.country;
        enriched.sku = p.sku;
        enriched.qty = p.qty;
        enriched.amount = p.amount;
        return enriched;
    }

    private static Matched match(Impression i, Click c) {
        Matched matched = new Matched();
        matched.imp = i.imp;
        matched.ad = i.ad;
        matched.campaign = i.campaign;
        matched.user = i.user;
        matched.its = i.ts;
        matched.cts = c.ts;
        matched.dt = c.ts - i.ts;
        matched.cost = i.cost;
        matched.ref = c.ref;
        return matched;
    }

    private static Serde<Sums> sums() {
        return Serdes.serdeFrom((topic, s) -> s == null ? null : ByteBuffer.allocate(16).putLong(s.sum).putLong(s.n).array(), (topic, bytes) -> {
            if (bytes == null) {
                return null;
            }
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            Sums read = new Sums();
            read.sum = buffer.getLong();
            read.n = buffer.getLong();
            return read;
        });
    }

    /** A source's values, counted. */
    private static <T> Serde<T> reading(Class<T> type, Progress progress) {
        return Serdes.serdeFrom((topic, t) -> JSON.toJSONBytes(t), (topic, bytes) -> {
            T read = JSON.parseObject(bytes, type);
            progress.one();
            return read;
        });
    }

    /** A store's values. */
    private static <T> Serde<T> both(Class<T> type) {
        return Serdes.serdeFrom((topic, t) -> t == null ? null : JSON.toJSONBytes(t),
            (topic, bytes) -> bytes == null ? null : JSON.parseObject(bytes, type));
    }

    private static Masked mask(Transaction t) {
        Masked masked = new Masked();
        masked.id = t.id;
        masked.user = t.user;
        masked.card = "************" + t.card.substring(t.card.length() - 4);
        masked.amount = t.amount;
        return masked;
    }

    private static Count count(long n) {
        Count count = new Count();
        count.n = n;
        return count;
    }

    private static <T> Serde<T> writing() {
        return Serdes.serdeFrom((topic, value) -> JSON.toJSONBytes(value), (topic, bytes) -> {
            throw new UnsupportedOperationException("this program only writes " + topic);
        });
    }
}
