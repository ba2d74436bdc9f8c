import java.io.BufferedReader;
import java.io.FileReader;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * Sends the lines of standard input to a topic, as the Java producer on Alibaba's page does.
 * Arguments: a file of properties, the topic, and where the records have a time of their own its milliseconds.
 */
public class ProduceExample {

    public static void main(String[] args) throws Exception {
        Properties props = new Properties();
        try (Reader file = new FileReader(args[0])) {
            props.load(file);
        }
        String topic = args[1];
        Long timestamp = args.length > 2 ? Long.valueOf(args[2]) : null;

        AtomicInteger failed = new AtomicInteger();
        KafkaProducer<String, String> producer = new KafkaProducer<>(props);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String content; (content = lines.readLine()) != null;) {
            ProducerRecord<String, String> record = new ProducerRecord<>(topic, null, timestamp, null, content);
            producer.send(record, (metadata, exception) -> {
                if (exception != null) {
                    failed.incrementAndGet();
                    System.err.println("delivery failed: " + exception);
                } else {
                    System.out.println("delivered " + metadata.topic() + " [" + metadata.partition() + "] offset "
                            + metadata.offset() + " timestamp " + metadata.timestamp());
                }
            });
        }
        producer.close();
        System.exit(failed.get() == 0 ? 0 : 1);
    }
}
