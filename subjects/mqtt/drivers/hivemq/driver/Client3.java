package driver;

import static driver.Contract.*;

import com.hivemq.client.mqtt.MqttGlobalPublishFilter;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.datatypes.MqttTopicFilter;
import com.hivemq.client.mqtt.mqtt3.Mqtt3AsyncClient;
import com.hivemq.client.mqtt.mqtt3.Mqtt3Client;
import com.hivemq.client.mqtt.mqtt3.exceptions.Mqtt3ConnAckException;
import com.hivemq.client.mqtt.mqtt3.exceptions.Mqtt3SubAckException;
import com.hivemq.client.mqtt.mqtt3.message.connect.Mqtt3Connect;
import com.hivemq.client.mqtt.mqtt3.message.connect.connack.Mqtt3ConnAck;
import com.hivemq.client.mqtt.mqtt3.message.publish.Mqtt3Publish;
import com.hivemq.client.mqtt.mqtt3.message.subscribe.Mqtt3Subscribe;
import com.hivemq.client.mqtt.mqtt3.message.subscribe.Mqtt3Subscription;
import com.hivemq.client.mqtt.mqtt3.message.subscribe.suback.Mqtt3SubAck;
import com.hivemq.client.mqtt.mqtt3.message.subscribe.suback.Mqtt3SubAckReturnCode;
import com.hivemq.client.mqtt.mqtt3.message.unsubscribe.Mqtt3Unsubscribe;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** The library's client of version 3.1.1. */
final class Client3 extends Client {
    private Mqtt3AsyncClient client;

    @Override
    Mqtt3AsyncClient library() {
        return client;
    }

    @Override
    Map<String, Object> connect(Options options, double timeout) throws Exception {
        client = Mqtt3Client.builder()
            .identifier(options.id())
            .serverHost(Verbs.LOOPBACK)
            .serverPort(options.port())
            .addDisconnectedListener(this::onDisconnected)
            .buildAsync();
        client.publishes(MqttGlobalPublishFilter.ALL, this::arrived);
        var connect = Mqtt3Connect.builder().cleanSession(options.clean()).keepAlive(options.keepAlive());
        var will = options.will();
        if (will != null) {
            connect.willPublish()
                .topic(will.topic())
                .payload(Inbox.bytes("will.payload", will.payload()))
                .qos(MqttQos.fromCode((int) will.qos()))
                .retain(will.retain())
                .applyWillPublish();
        }
        Mqtt3ConnAck answer;
        try {
            answer = await(client.connect(connect.build()), "CONNACK", timeout);
        } catch (Mqtt3ConnAckException error) {
            answer = error.getMqttMessage();
        }
        return Map.of("session_present", answer.isSessionPresent(), "reason", answer.getReturnCode().getCode());
    }

    private void arrived(Mqtt3Publish message) {
        String topic = message.getTopic().toString();
        inbox.put(topic, message.getPayloadAsBytes(), message.getQos().getCode(), message.isRetain(), null);
    }

    @Override
    List<Integer> subscribe(List<Subscription> filters, double timeout) throws Exception {
        var made = filters.stream().map(one -> Mqtt3Subscription.builder()
            .topicFilter(one.filter()).qos(MqttQos.fromCode((int) one.qos())).build());
        Mqtt3SubAck answer;
        try {
            answer = await(client.subscribe(Mqtt3Subscribe.builder().addSubscriptions(made).build()), "SUBACK", timeout);
        } catch (Mqtt3SubAckException error) {
            answer = error.getMqttMessage();
        }
        return answer.getReturnCodes().stream().map(Mqtt3SubAckReturnCode::getCode).toList();
    }

    @Override
    void unsubscribe(List<String> filters, double timeout) throws Exception {
        var asked = Mqtt3Unsubscribe.builder().addTopicFilters(filters.stream().map(MqttTopicFilter::of)).build();
        await(client.unsubscribe(asked), "UNSUBACK", timeout);
    }

    @Override
    CompletableFuture<Integer> publish(String topic, byte[] payload, int qos, boolean retain, Properties properties) {
        var made = Mqtt3Publish.builder().topic(topic).payload(payload).qos(MqttQos.fromCode(qos)).retain(retain);
        return client.publish(made.build()).thenApply(sent -> null);
    }

    @Override
    void disconnect(boolean withWill, double timeout) throws Exception {
        if (withWill) throw new Refused(Codes.INVALID, "a DISCONNECT of 3.1.1 has no reason: ask for version 5");
        await(client.disconnect(), "end of the connection", timeout);
    }
}
