package penstock.bench;

import com.alibaba.fastjson2.JSON;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;

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

    private Workloads() {}

    /** W1: amount over 50000, card masked, four fields. W2: count per key, every update written. */
    static Topology build(String workload, String input, String output, Progress progress) {
        StreamsBuilder builder = new StreamsBuilder();
        Serde<String> text = Serdes.String();
        Serde<Transaction> transactions = Serdes.serdeFrom((topic, t) -> JSON.toJSONBytes(t), (topic, bytes) -> {
            Transaction read = JSON.parseObject(bytes, Transaction.class);
            progress.one();
            return read;
        });
        KStream<String, Transaction> in = builder.stream(input, Consumed.with(text, transactions));
        if (workload.equals("w1")) {
            in.filter((user, t) -> t.amount > 50_000)
                .mapValues(Workloads::mask)
                .to(output, Produced.with(text, Workloads.<Masked>writing()));
        } else {
            in.groupByKey()
                .count(Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts").withKeySerde(text).withValueSerde(Serdes.Long()))
                .toStream()
                .mapValues(Workloads::count)
                .to(output, Produced.with(text, Workloads.<Count>writing()));
        }
        return builder.build();
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
