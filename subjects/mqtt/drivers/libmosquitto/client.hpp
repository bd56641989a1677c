// A client that connects once, in a thread of its own. The library's loop that would connect again is not used.
#pragma once

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "inbox.hpp"

/// What a client is connected with.
struct Options {
    int port;
    std::string id;
    bool version_5;
    bool clean;
    int keep_alive;
    std::optional<Will> will;
    std::optional<std::uint64_t> session_expiry;
    std::optional<std::uint64_t> receive_maximum;
};

/// Throws what the library refuses: its own error is not one of the connection.
inline void check(int code) {
    if (code == MOSQ_ERR_SUCCESS)
        return;
    const bool gone = code == MOSQ_ERR_NO_CONN || code == MOSQ_ERR_CONN_LOST || code == MOSQ_ERR_ERRNO;
    throw Refused(gone ? codes::lost : codes::invalid, mosquitto_strerror(code));
}

/// Properties of version 5, as the library has them.
class PropertyList {
public:
    PropertyList() = default;
    PropertyList(const PropertyList&) = delete;
    PropertyList& operator=(const PropertyList&) = delete;
    ~PropertyList() {
        mosquitto_property_free_all(&list_);
    }

    void number(int identifier, const std::optional<std::uint64_t>& value) {
        if (value)
            check(mosquitto_property_add_int32(&list_, identifier, static_cast<std::uint32_t>(*value)));
    }

    void text(int identifier, const std::optional<std::string>& value) {
        if (value)
            check(mosquitto_property_add_string(&list_, identifier, value->c_str()));
    }

    void binary(int identifier, const Bytes& value) {
        check(
            mosquitto_property_add_binary(&list_, identifier, value.data(), static_cast<std::uint16_t>(value.size())));
    }

    void pair(const std::string& name, const std::string& value) {
        check(mosquitto_property_add_string_pair(&list_, MQTT_PROP_USER_PROPERTY, name.c_str(), value.c_str()));
    }

    /// The caller owns them from here on.
    mosquitto_property* release() {
        return std::exchange(list_, nullptr);
    }

    mosquitto_property* get() {
        return list_;
    }

private:
    mosquitto_property* list_ = nullptr;
};

class Client {
public:
    explicit Client(const Options& options) : version_5_(options.version_5), mosq_(create(options)) {
        if (mosq_ == nullptr)
            throw Refused(codes::invalid, "the library takes no client of this name");
        try {
            configure(options);
        } catch (...) {
            mosquitto_destroy(mosq_);
            throw;
        }
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Ends without DISCONNECT.
    ~Client() {
        if (const int socket = mosquitto_socket(mosq_); socket >= 0)
            ::shutdown(socket, SHUT_RDWR);
        if (loop_.joinable())
            loop_.join();
        mosquitto_destroy(mosq_);
    }

    Json connect(const Options& options, double timeout) {
        PropertyList properties;
        if (version_5_)
            properties.number(MQTT_PROP_SESSION_EXPIRY_INTERVAL, options.session_expiry);
        check(
            mosquitto_connect_bind_v5(mosq_, "127.0.0.1", options.port, options.keep_alive, nullptr, properties.get()));
        loop_ = std::thread([this] { run(); });
        return wait(
            "CONNACK", timeout, [this] { return !connack_.is_null(); }, [this] { return connack_; });
    }

    Json subscribe(const std::vector<Subscription>& filters, double timeout) {
        const auto& first = filters.at(0);
        std::vector<char*> names;
        for (const auto& one : filters) {
            if (one.qos != first.qos || flags(one) != flags(first))
                throw NotImplemented{"mosquitto_subscribe_multiple has one QoS and one set of options for all filters"};
            names.push_back(const_cast<char*>(one.filter.c_str()));
        }
        int id = 0;
        check(mosquitto_subscribe_multiple(
            mosq_, &id, static_cast<int>(names.size()), names.data(), static_cast<int>(first.qos), flags(first),
            nullptr));
        return take(subscribed_, id, "SUBACK", timeout);
    }

    void unsubscribe(const std::vector<std::string>& filters, double timeout) {
        std::vector<char*> names;
        for (const auto& one : filters) names.push_back(const_cast<char*>(one.c_str()));
        int id = 0;
        check(mosquitto_unsubscribe_multiple(mosq_, &id, static_cast<int>(names.size()), names.data(), nullptr));
        take(unsubscribed_, id, "UNSUBACK", timeout);
    }

    Json publish(
        const std::string& topic,
        const Bytes& payload,
        int qos,
        bool retain,
        bool wait,
        const std::optional<Properties>& given,
        double timeout) {
        PropertyList properties;
        if (version_5_ && given) {
            properties.number(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, given->expiry);
            properties.text(MQTT_PROP_CONTENT_TYPE, given->content_type);
            properties.text(MQTT_PROP_RESPONSE_TOPIC, given->response_topic);
            if (given->correlation) {
                properties.binary(MQTT_PROP_CORRELATION_DATA, bytes("properties.correlation", *given->correlation));
            }
            for (const auto& one : given->user) properties.pair(one.at(0), one.at(1));
        }
        int id = 0;
        check(mosquitto_publish_v5(
            mosq_, &id, topic.c_str(), static_cast<int>(payload.size()), payload.data(), qos, retain,
            properties.get()));
        if (!wait)
            return nullptr;
        const Json reason = take(published_, id, "acknowledgement", timeout);
        return version_5_ && qos > 0 ? reason : nullptr;
    }

    Json receive(std::uint64_t count, double quiet, double timeout) {
        std::unique_lock lock(mutex_);
        last_ = Clock::now();
        const auto end = last_ + seconds(timeout);
        while (inbox_.size() < count) {
            const auto until = quiet > 0 ? std::min(end, last_ + seconds(quiet)) : end;
            if (Clock::now() >= until)
                break;
            changed_.wait_until(lock, until);
        }
        Json taken = Json::array();
        while (taken.size() < count && !inbox_.empty()) {
            taken.push_back(std::move(inbox_.front()));
            inbox_.pop_front();
        }
        return taken;
    }

    void disconnect(bool with_will, double timeout) {
        if (with_will && !version_5_) {
            throw Refused(codes::invalid, "a DISCONNECT of 3.1.1 has no reason: ask for version 5");
        }
        check(mosquitto_disconnect_v5(mosq_, with_will ? MQTT_RC_DISCONNECT_WITH_WILL_MSG : 0, nullptr));
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, seconds(timeout), [this] { return ended_; })) {
            throw Refused(codes::lost, "the connection has not ended in time");
        }
    }

    Json state() {
        const std::lock_guard lock(mutex_);
        return {{"connected", connected_}, {"reason", reason_}};
    }

private:
    using Clock = std::chrono::steady_clock;

    static constexpr int loop_milliseconds = 1000; // whatever is to be done wakes it before
    static constexpr int first_failure = 0x80;

    static Clock::duration seconds(double value) {
        return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(value));
    }

    /// The library takes no empty name, but it has one for who gives none.
    mosquitto* create(const Options& options) {
        return mosquitto_new(options.id.empty() ? nullptr : options.id.c_str(), options.clean, this);
    }

    static int flags(const Subscription& one) {
        int made = static_cast<int>(one.retain_handling) << 4;
        if (one.no_local)
            made |= MQTT_SUB_OPT_NO_LOCAL;
        if (one.retain_as_published)
            made |= MQTT_SUB_OPT_RETAIN_AS_PUBLISHED;
        return made;
    }

    void configure(const Options& options) {
        check(mosquitto_threaded_set(mosq_, true));
        if (version_5_)
            check(mosquitto_int_option(mosq_, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5));
        if (options.receive_maximum) {
            const auto most = static_cast<int>(*options.receive_maximum);
            check(mosquitto_int_option(mosq_, MOSQ_OPT_RECEIVE_MAXIMUM, most));
        }
        if (const auto& will = options.will) {
            PropertyList properties;
            if (version_5_)
                properties.number(MQTT_PROP_WILL_DELAY_INTERVAL, will->delay);
            const Bytes payload = bytes("will.payload", will->payload);
            check(mosquitto_will_set_v5(
                mosq_, will->topic.c_str(), static_cast<int>(payload.size()), payload.data(),
                static_cast<int>(will->qos), will->retain, properties.get()));
            properties.release(); // the library keeps them
        }
        mosquitto_connect_v5_callback_set(mosq_, on_connect);
        mosquitto_disconnect_v5_callback_set(mosq_, on_disconnect);
        mosquitto_message_v5_callback_set(mosq_, on_message);
        mosquitto_publish_v5_callback_set(mosq_, on_publish);
        mosquitto_subscribe_v5_callback_set(mosq_, on_subscribe);
        mosquitto_unsubscribe_v5_callback_set(mosq_, on_unsubscribe);
        mosquitto_log_callback_set(mosq_, on_log);
    }

    void run() {
        while (mosquitto_loop(mosq_, loop_milliseconds, 1) == MOSQ_ERR_SUCCESS) {
        }
        change([this] {
            connected_ = false;
            ended_ = true;
        });
    }

    template <class Change>
    void change(Change made) {
        const std::lock_guard lock(mutex_);
        made();
        changed_.notify_all();
    }

    template <class Met, class Result>
    Json wait(const std::string& what, double timeout, Met met, Result result) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, seconds(timeout), [&] { return ended_ || met(); });
        if (met())
            return result();
        throw Refused(codes::lost, "no " + what + (ended_ ? ": the connection has ended" : " within the time"));
    }

    Json take(std::map<int, Json>& answers, int id, const std::string& what, double timeout) {
        return wait(
            what, timeout, [&] { return answers.contains(id); }, [&] { return answers.extract(id).mapped(); });
    }

    static Client& self(void* object) {
        return *static_cast<Client*>(object);
    }

    static void on_connect(mosquitto*, void* object, int reason, int flags, const mosquitto_property*) {
        auto& client = self(object);
        client.change([&] {
            client.connack_ = {{"session_present", (flags & 1) != 0}, {"reason", reason}};
            client.connected_ = reason == 0;
        });
    }

    static void on_disconnect(mosquitto*, void* object, int reason, const mosquitto_property*) {
        auto& client = self(object);
        client.change([&] {
            if (client.version_5_ && reason >= first_failure)
                client.reason_ = reason; // what is less is the library's
        });
    }

    static void on_publish(mosquitto*, void* object, int id, int reason, const mosquitto_property*) {
        auto& client = self(object);
        client.change([&] { client.published_[id] = reason; });
    }

    static void
    on_subscribe(mosquitto*, void* object, int id, int count, const int* granted, const mosquitto_property*) {
        auto& client = self(object);
        client.change([&] { client.subscribed_[id] = std::vector<int>(granted, granted + count); });
    }

    static void on_unsubscribe(mosquitto*, void* object, int id, const mosquitto_property*) {
        auto& client = self(object);
        client.change([&] { client.unsubscribed_[id] = nullptr; });
    }

    /// A message has no DUP in this library, but its log tells it, before the message is handed out.
    static void on_log(mosquitto*, void* object, int, const char* line) {
        int dup = 0;
        int qos = 0;
        int retain = 0;
        int id = 0;
        const char* found = std::strstr(line, " received PUBLISH (d");
        if (found == nullptr)
            return;
        if (std::sscanf(found, " received PUBLISH (d%d, q%d, r%d, m%d,", &dup, &qos, &retain, &id) == 4) {
            self(object).dups_[id] = dup != 0;
        }
    }

    static void on_message(mosquitto*, void* object, const mosquitto_message* seen, const mosquitto_property* list) {
        auto& client = self(object);
        const auto dup = client.dups_.extract(seen->mid);
        const Json told = dup.empty() ? Json() : Json(dup.mapped());
        Json made = message(
            seen->topic, static_cast<const unsigned char*>(seen->payload), static_cast<std::size_t>(seen->payloadlen),
            seen->qos, seen->retain, told, properties_of(list));
        client.change([&] {
            client.inbox_.push_back(std::move(made));
            client.last_ = Clock::now();
        });
    }

    static Json properties_of(const mosquitto_property* list) {
        Json made = no_properties();
        for (auto* one = list; one != nullptr; one = mosquitto_property_next(one)) {
            char* text = nullptr;
            char* name = nullptr;
            void* data = nullptr;
            std::uint16_t size = 0;
            std::uint32_t number = 0;
            const int identifier = mosquitto_property_identifier(one);
            switch (identifier) {
                case MQTT_PROP_MESSAGE_EXPIRY_INTERVAL:
                    mosquitto_property_read_int32(one, identifier, &number, false);
                    made["expiry"] = number;
                    break;
                case MQTT_PROP_CONTENT_TYPE:
                case MQTT_PROP_RESPONSE_TOPIC:
                    mosquitto_property_read_string(one, identifier, &text, false);
                    made[identifier == MQTT_PROP_CONTENT_TYPE ? "content_type" : "response_topic"] = text;
                    break;
                case MQTT_PROP_CORRELATION_DATA:
                    mosquitto_property_read_binary(one, identifier, &data, &size, false);
                    made["correlation"] = hex(static_cast<unsigned char*>(data), size);
                    break;
                case MQTT_PROP_USER_PROPERTY:
                    mosquitto_property_read_string_pair(one, identifier, &name, &text, false);
                    made["user"].push_back({name, text});
                    break;
                default:
                    break;
            }
            std::free(name);
            std::free(text);
            std::free(data);
        }
        return made;
    }

    const bool version_5_;
    mosquitto* const mosq_;
    std::thread loop_;
    std::map<int, bool> dups_; // of the loop's thread alone

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Json> inbox_;
    std::map<int, Json> published_;
    std::map<int, Json> subscribed_;
    std::map<int, Json> unsubscribed_;
    Clock::time_point last_;
    Json connack_;
    Json reason_;
    bool connected_ = false;
    bool ended_ = false;
};
