#pragma once

#include <zerobuffer/config.hpp>
#include <zerobuffer/reader.hpp>
#include <zerobuffer/writer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zerobuffer {

inline constexpr BufferConfig default_request_config{.metadata_size = 4096, .payload_size = 1 << 20};
inline constexpr BufferConfig default_response_config{.metadata_size = 4096, .payload_size = 1 << 22};

/// How a response begins that is the text of an error. It is no UTF-8, and as long as the least that always fits.
inline constexpr std::string_view failure_mark = "\xF5zb handler err\xF5";

/// Answers the requests of a duplex channel, one after the other. Requests stand in the buffer NAME_request, responses
/// in NAME_response; the n-th response answers the n-th request.
///
/// A client that dies is forgotten, and the next one is served; nobody gets an answer to what another one asked. A
/// handler that throws, answers with nothing or with what can never be written costs its client a HandlerError instead
/// of the response. A client that knows the protocol alone would take that for the response: its channel is closed, so
/// that it sees its server go.
class DuplexServer {
public:
    /// Gets a request, which is released when it returns; returns the response.
    using Handler = std::function<std::vector<std::byte>(const Frame& request)>;

    /// `clients` says whose response buffers it writes into.
    explicit DuplexServer(std::string_view name, const BufferConfig& config = default_request_config,
                          const ConnectConfig& clients = {});
    DuplexServer(DuplexServer&&) noexcept;
    DuplexServer& operator=(DuplexServer&&) noexcept;
    ~DuplexServer();

    /// Answers in a thread of its own until close().
    /// @throws BusyError It has been started already.
    void start(Handler handler);

    /// Why a client got no response, or why serving ended; empty if all went well.
    [[nodiscard]] std::string last_failure() const;

    /// Finishes the request at hand and removes the channel. A client that still waits learns of it at once.
    void close();

private:
    class Service;
    [[nodiscard]] Service& service() const;
    std::unique_ptr<Service> service_;
};

/// Sends requests and receives responses.
class DuplexClient {
public:
    /// Joins a channel; the sizes are those of the response buffer, which belongs to the client, and
    /// `server` says into whose request buffer it writes.
    /// @throws NotFoundError No server has the channel.
    /// @throws WriterExistsError Another client has it.
    explicit DuplexClient(std::string_view name, const BufferConfig& config = default_response_config,
                          std::chrono::nanoseconds timeout = std::chrono::nanoseconds::zero(),
                          const ConnectConfig& server = {});
    DuplexClient(DuplexClient&&) noexcept;
    DuplexClient& operator=(DuplexClient&&) noexcept;
    ~DuplexClient();

    /// Sends a request without waiting for its response.
    void send(std::span<const std::byte> request, std::chrono::nanoseconds timeout = default_timeout);

    /// Returns a place in the request buffer; its commit sends the request.
    [[nodiscard]] Slot acquire(std::uint64_t size, std::chrono::nanoseconds timeout = default_timeout);

    /// Waits for the next response.
    /// @throws HandlerError The server could not answer this request; the channel goes on.
    [[nodiscard]] Frame receive(std::chrono::nanoseconds timeout = default_timeout);

    /// Sends one request and waits for its response; a response that comes too late is dropped by the next call.
    /// @throws HandlerError The server could not answer this request; the channel goes on.
    /// @throws BusyError Responses to earlier calls of send() have not been received.
    [[nodiscard]] Frame request(std::span<const std::byte> data, std::chrono::nanoseconds timeout = default_timeout);

    /// Leaves the channel and removes the response buffer.
    void close();

private:
    class Channel;
    [[nodiscard]] Channel& channel() const;
    std::unique_ptr<Channel> channel_;
};

} // namespace zerobuffer
