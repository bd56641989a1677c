#include "deadline.hpp"
#include "failure.hpp"
#include "turn.hpp"

#include <zerobuffer/duplex.hpp>

#include <mutex>
#include <set>

namespace zerobuffer {

namespace {

/// How often a client that waits looks whether the server lives: until the server has connected to the response buffer,
/// its death shows only in the request buffer.
constexpr auto look = std::chrono::milliseconds(10);

} // namespace

class DuplexClient::Channel {
public:
    Channel(std::string_view name, const BufferConfig& config, std::chrono::nanoseconds timeout,
            const ConnectConfig& server)
        : name_(name), requests_(name_ + "_request", timeout, server), responses_(name_ + "_response", config) {}

    ~Channel() { close(); }

    [[nodiscard]] Writer& requests() { return requests_; }

    [[nodiscard]] Frame receive(std::chrono::nanoseconds timeout) {
        const detail::Deadline deadline(timeout);
        const auto hold = turn_.take(deadline, [] {});
        if (!hold) throw failure::timeout(name_, deadline.seconds());
        for (;;) {
            Frame response = next(deadline);
            const std::lock_guard lock(mutex_);
            received_++;
            if (abandoned_.erase(received_) == 0) return checked(std::move(response));
        }
    }

    [[nodiscard]] Frame request(std::span<const std::byte> data, std::chrono::nanoseconds timeout) {
        const detail::Deadline deadline(timeout);
        const std::uint64_t number = send_alone(data, timeout);
        try {
            return receive(deadline.left());
        } catch (const TimeoutError&) {
            const std::lock_guard lock(mutex_);
            abandoned_.insert(number);
            throw;
        }
    }

    void close() {
        requests_.close();
        responses_.close();
    }

private:
    /// Sends a request where no response to another one is owed.
    [[nodiscard]] std::uint64_t send_alone(std::span<const std::byte> data, std::chrono::nanoseconds timeout) {
        const std::lock_guard lock(mutex_);
        if (requests_.next_sequence() - 1 - received_ != abandoned_.size()) {
            throw failure::busy(name_, "responses to earlier requests wait to be received");
        }
        return requests_.write(data, timeout);
    }

    [[nodiscard]] Frame checked(Frame response) const {
        const auto data = response.data();
        const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
        if (!text.starts_with(failure_mark)) return response;
        const std::string_view reason = text.substr(failure_mark.size());
        throw failure::handler_error(name_, received_, reason.empty() ? "its handler failed" : reason);
    }

    [[nodiscard]] Frame next(const detail::Deadline& deadline) {
        for (;;) {
            try {
                return responses_.read(std::min<std::chrono::nanoseconds>(deadline.left(), look));
            } catch (const TimeoutError&) {
                requests_.check_reader();
                if (!deadline.next_slice()) throw failure::timeout(name_, deadline.seconds());
            }
        }
    }

    std::string name_;
    Writer requests_;
    Reader responses_;
    /// Callers get responses in the order of their calls.
    detail::Turn turn_;
    std::mutex mutex_;
    std::uint64_t received_ = 0;
    std::set<std::uint64_t> abandoned_; ///< Numbers of requests whose response nobody waits for any more.
};

DuplexClient::DuplexClient(std::string_view name, const BufferConfig& config, std::chrono::nanoseconds timeout,
                           const ConnectConfig& server)
    : channel_(std::make_unique<Channel>(name, config, timeout, server)) {}

DuplexClient::DuplexClient(DuplexClient&&) noexcept = default;
DuplexClient& DuplexClient::operator=(DuplexClient&&) noexcept = default;
DuplexClient::~DuplexClient() = default;

DuplexClient::Channel& DuplexClient::channel() const {
    if (!channel_) throw failure::closed("client");
    return *channel_;
}

void DuplexClient::send(std::span<const std::byte> request, std::chrono::nanoseconds timeout) {
    channel().requests().write(request, timeout);
}

Slot DuplexClient::acquire(std::uint64_t size, std::chrono::nanoseconds timeout) {
    return channel().requests().acquire(size, timeout);
}

Frame DuplexClient::receive(std::chrono::nanoseconds timeout) { return channel().receive(timeout); }

Frame DuplexClient::request(std::span<const std::byte> data, std::chrono::nanoseconds timeout) {
    return channel().request(data, timeout);
}

void DuplexClient::close() { channel().close(); }

} // namespace zerobuffer
