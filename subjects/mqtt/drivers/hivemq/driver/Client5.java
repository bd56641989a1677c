package driver;

import static driver.Contract.*;

import com.hivemq.client.mqtt.MqttGlobalPublishFilter;
import com.hivemq.client.mqtt.datatypes.MqttQos;
import com.hivemq.client.mqtt.datatypes.MqttTopicFilter;
import com.hivemq.client.mqtt.lifecycle.MqttClientDisconnectedContext;
import com.hivemq.client.mqtt.lifecycle.MqttDisconnectSource;
import com.hivemq.client.mqtt.mqtt5.Mqtt5AsyncClient;
import com.hivemq.client.mqtt.mqtt5.Mqtt5Client;
import com.hivemq.client.mqtt.mqtt5.datatypes.Mqtt5UserProperties;
import com.hivemq.client.mqtt.mqtt5.datatypes.Mqtt5UserProperty;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5ConnAckException;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5DisconnectException;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5PubAckException;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5PubRecException;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5SubAckException;
import com.hivemq.client.mqtt.mqtt5.exceptions.Mqtt5UnsubAckException;
import com.hivemq.client.mqtt.mqtt5.message.connect.Mqtt5Connect;
import com.hivemq.client.mqtt.mqtt5.message.connect.connack.Mqtt5ConnAck;
import com.hivemq.client.mqtt.mqtt5.message.disconnect.Mqtt5Disconnect;
import com.hivemq.client.mqtt.mqtt5.message.disconnect.Mqtt5DisconnectReasonCode;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5Publish;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5PublishResult;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5PublishResult.Mqtt5Qos1Result;
import com.hivemq.client.mqtt.mqtt5.message.publish.Mqtt5PublishResult.Mqtt5Qos2Result;
import com.hivemq.client.mqtt.mqtt5.message.subscribe.Mqtt5RetainHandling;
import com.hivemq.client.mqtt.mqtt5.message.subscribe.Mqtt5Subscribe;
import com.hivemq.client.mqtt.mqtt5.message.subscribe.Mqtt5Subscription;
import com.hivemq.client.mqtt.mqtt5.message.subscribe.suback.Mqtt5SubAck;
import com.hivemq.client.mqtt.mqtt5.message.subscribe.suback.Mqtt5SubAckReasonCode;
import com.hivemq.client.mqtt.mqtt5.message.unsubscribe.Mqtt5Unsubscribe;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** The library's client of version 5. */
final class Client5 extends Client {
    private Mqtt5AsyncClient client;
    private volatile Integer reason;

    @Override
    Mqtt5AsyncClient library() {
        return client;
    }

    @Override
    Integer reason() {
        return reason;
    }

    @Override
    void onDisconnected(MqttClientDisconnectedContext context) {
        boolean server = context.getSource() == MqttDisconnectSource.SERVER;
        if (server && context.getCause() instanceof Mqtt5DisconnectException cause) {
            reason = cause.getMqttMessage().getReasonCode().getCode();
        }
        super.onDisconnected(context);
    }

    @Override
    Map<String, Object> connect(Options options, double timeout) throws Exception {
        client = Mqtt5Client.builder()
            .identifier(options.id())
            .serverHost(Verbs.LOOPBACK)
            .serverPort(options.port())
            .addDisconnectedListener(this::onDisconnected)
            .buildAsync();
        client.publishes(MqttGlobalPublishFilter.ALL, this::arrived);
        var connect = Mqtt5Connect.builder().cleanStart(options.clean()).keepAlive(options.keepAlive());
        if (options.sessionExpiry() != null) connect.sessionExpiryInterval(options.sessionExpiry());
        if (options.receiveMaximum() != null) {
            connect.restrictions().receiveMaximum(options.receiveMaximum()).applyRestrictions();
        }
        var will = options.will();
        if (will != null) {
            var made = connect.willPublish()
                .topic(will.topic())
                .payload(Inbox.bytes("will.payload", will.payload()))
                .qos(MqttQos.fromCode((int) will.qos()))
                .retain(will.retain());
            (will.delay() == null ? made : made.delayInterval(will.delay())).applyWillPublish();
        }
        Mqtt5ConnAck answer;
        try {
            answer = await(client.connect(connect.build()), "CONNACK", timeout);
        } catch (Mqtt5ConnAckException error) {
            answer = error.getMqttMessage();
        }
        return Map.of("session_present", answer.isSessionPresent(), "reason", answer.getReasonCode().getCode());
    }

    private void arrived(Mqtt5Publish message) {
        var expiry = message.getMessageExpiryInterval();
        var properties = Inbox.properties(
            expiry.isPresent() ? (Long) expiry.getAsLong() : null,
            message.getContentType().map(Object::toString).orElse(null),
            message.getResponseTopic().map(Object::toString).orElse(null),
            message.getCorrelationData().map(Client5::bytes).orElse(null),
            message.getUserProperties().asList().stream()
                .map(one -> List.of(one.getName().toString(), one.getValue().toString())).toList());
        String topic = message.getTopic().toString();
        inbox.put(topic, message.getPayloadAsBytes(), message.getQos().getCode(), message.isRetain(), properties);
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] made = new byte[buffer.remaining()];
        buffer.duplicate().get(made);
        return made;
    }

    @Override
    List<Integer> subscribe(List<Subscription> filters, double timeout) throws Exception {
        var made = filters.stream().map(one -> Mqtt5Subscription.builder()
            .topicFilter(one.filter())
            .qos(MqttQos.fromCode((int) one.qos()))
            .noLocal(one.noLocal())
            .retainAsPublished(one.retainAsPublished())
            .retainHandling(Mqtt5RetainHandling.fromCode((int) one.retainHandling()))
            .build());
        Mqtt5SubAck answer;
        try {
            answer = await(client.subscribe(Mqtt5Subscribe.builder().addSubscriptions(made).build()), "SUBACK", timeout);
        } catch (Mqtt5SubAckException error) {
            answer = error.getMqttMessage();
        }
        return answer.getReasonCodes().stream().map(Mqtt5SubAckReasonCode::getCode).toList();
    }

    @Override
    void unsubscribe(List<String> filters, double timeout) throws Exception {
        var asked = Mqtt5Unsubscribe.builder().addTopicFilters(filters.stream().map(MqttTopicFilter::of)).build();
        try {
            await(client.unsubscribe(asked), "UNSUBACK", timeout);
        } catch (Mqtt5UnsubAckException error) {
            return; // it has come, and says that nothing was unsubscribed
        }
    }

    @Override
    CompletableFuture<Integer> publish(String topic, byte[] payload, int qos, boolean retain, Properties properties) {
        var made = Mqtt5Publish.builder().topic(topic).payload(payload).qos(MqttQos.fromCode(qos)).retain(retain);
        if (properties != null) {
            if (properties.expiry() != null) made.messageExpiryInterval(properties.expiry());
            if (properties.contentType() != null) made.contentType(properties.contentType());
            if (properties.responseTopic() != null) made.responseTopic(properties.responseTopic());
            if (properties.correlation() != null) {
                made.correlationData(Inbox.bytes("properties.correlation", properties.correlation()));
            }
            made.userProperties(Mqtt5UserProperties.of(
                properties.user().stream().map(one -> Mqtt5UserProperty.of(one.get(0), one.get(1))).toList()));
        }
        return client.publish(made.build()).handle((result, error) -> result != null ? answered(result) : refused(error));
    }

    private static Integer answered(Mqtt5PublishResult result) {
        if (result instanceof Mqtt5Qos1Result one) return one.getPubAck().getReasonCode().getCode();
        if (result instanceof Mqtt5Qos2Result two) return two.getPubRec().getReasonCode().getCode();
        return null;
    }

    /** Returns the reason with which a broker has not taken a message: for the library that is an error. */
    private static Integer refused(Throwable error) {
        if (error instanceof Mqtt5PubAckException one) return one.getMqttMessage().getReasonCode().getCode();
        if (error instanceof Mqtt5PubRecException two) return two.getMqttMessage().getReasonCode().getCode();
        throw error instanceof RuntimeException known ? known : new IllegalStateException(error);
    }

    @Override
    void disconnect(boolean withWill, double timeout) throws Exception {
        var reason = withWill
            ? Mqtt5DisconnectReasonCode.DISCONNECT_WITH_WILL_MESSAGE
            : Mqtt5DisconnectReasonCode.NORMAL_DISCONNECTION;
        var packet = Mqtt5Disconnect.builder().reasonCode(reason).build();
        await(client.disconnect(packet), "end of the connection", timeout);
    }
}
