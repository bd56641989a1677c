// libmosquitto as a client. It plays no broker, so the verbs of one are not here.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client.hpp"
#include "contract.hpp"

/// What this implementation can do.
class Verbs {
public:
    static inline const std::vector<std::string> capabilities = {"qos2", "v5"};

    Verbs() {
        mosquitto_lib_init();
    }

    /// The connection ends with the process, as one that is lost.
    void close_all() {}

    /// Be as a process that has just started. Result: null.
    Json reset(double) {
        keep(nullptr);
        return nullptr;
    }

    Json serve(std::int64_t, const std::string&, bool, double) {
        throw NotImplemented{};
    }

    Json stop(double) {
        throw NotImplemented{};
    }

    /// Connect a new client and wait for CONNACK; one that was there is gone. It never connects again by itself.
    /// Result: {session_present: flag, reason: natural}.
    Json connect(
        std::int64_t port,
        const std::string& client_id,
        std::uint64_t version,
        bool clean,
        std::uint64_t keep_alive,
        const std::optional<Will>& will,
        std::optional<std::uint64_t> session_expiry,
        std::optional<std::uint64_t> receive_maximum,
        double timeout) {
        const Options options{
            static_cast<int>(port),       client_id, version == 5,   clean,
            static_cast<int>(keep_alive), will,      session_expiry, receive_maximum,
        };
        keep(nullptr);
        const auto next = std::make_shared<Client>(options);
        keep(next);
        return next->connect(options, timeout);
    }

    /// Subscribe in one packet; returns the reason of each filter, as SUBACK has it. Result: [natural, …].
    Json subscribe(const std::vector<Subscription>& filters, double timeout) {
        return client()->subscribe(filters, timeout);
    }

    /// Unsubscribe in one packet, and wait for UNSUBACK. Result: null.
    Json unsubscribe(const std::vector<std::string>& filters, double timeout) {
        client()->unsubscribe(filters, timeout);
        return nullptr;
    }

    /// Publish the payload, so many times one after the other in a single message. Result: natural or null.
    Json publish(
        const std::string& topic,
        const std::string& payload,
        std::uint64_t repeat,
        std::uint64_t qos,
        bool retain,
        bool wait,
        const std::optional<Properties>& properties,
        double timeout) {
        const Bytes whole = bytes("payload", payload, repeat);
        return client()->publish(topic, whole, static_cast<int>(qos), retain, wait, properties, timeout);
    }

    /// Take what has arrived since the last time, in its order: once `count` are there, or none came for so long.
    Json receive(std::uint64_t count, double quiet, double timeout) {
        return client()->receive(count, quiet, timeout);
    }

    /// Send DISCONNECT and close; in version 5 with reason 4 where the will shall be published. Result: null.
    Json disconnect(bool with_will, double timeout) {
        client()->disconnect(with_will, timeout);
        return nullptr;
    }

    /// Return whether the client is connected, as its library says. Result: {connected: flag, reason: natural or null}.
    Json state(double timeout) {
        const std::lock_guard lock(mutex_);
        return client_ ? client_->state() : Json{{"connected", false}, {"reason", nullptr}};
    }

    Json deviate(const std::string&, double) {
        throw NotImplemented{};
    }

    Json dial(std::int64_t, const Json&, double) {
        throw NotImplemented{};
    }

    Json say(const std::string&, double) {
        throw NotImplemented{};
    }

    Json answer(const std::string&, double) {
        throw NotImplemented{};
    }

    Json hear(const std::vector<std::string>&, double) {
        throw NotImplemented{};
    }

    Json hear_end(double) {
        throw NotImplemented{};
    }

private:
    std::shared_ptr<Client> client() {
        const std::lock_guard lock(mutex_);
        if (!client_)
            throw Refused(codes::lost, "there is no client: connect one first");
        return client_;
    }

    void keep(std::shared_ptr<Client> next) {
        const std::lock_guard lock(mutex_);
        client_.swap(next);
    }

    std::mutex mutex_;
    std::shared_ptr<Client> client_;
};
