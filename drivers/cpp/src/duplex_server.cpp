#include "connect.hpp"
#include "deadline.hpp"
#include "failure.hpp"
#include "reader_core.hpp"
#include "writer_core.hpp"

#include <zerobuffer/duplex.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace zerobuffer {

namespace {

using namespace std::chrono_literals;

/// How often a wait looks whether the server is to stop.
constexpr auto look = 10ms;
/// How long to wait for a client that has sent a request to show its response buffer.
constexpr auto connect_patience = 5s;
/// There is no event for a response buffer that comes into being.
constexpr auto connect_retry = 1ms;
/// Metadata of a response buffer whose first response could not be made. Without a trace, a writer that came and went
/// looks to the client like one that never came.
constexpr std::string_view no_response = "no response: the handler failed";
/// How long to stay connected to a client whose metadata block has no room for that: it must see the server before it
/// leaves.
constexpr auto farewell = 100ms;

} // namespace

class DuplexServer::Service {
public:
    Service(std::string_view name, const BufferConfig& config, const ConnectConfig& clients)
        : name_(name),
          clients_(clients),
          requests_(std::make_shared<detail::ReaderCore>(detail::Names(std::string(name) + "_request"), config)) {}

    ~Service() { close(); }

    void start(Handler handler) {
        const std::lock_guard lock(mutex_);
        if (stopping_) throw failure::closed("server");
        if (thread_.joinable()) throw failure::busy(name_, "the server has been started already");
        try {
            thread_ = std::thread([this, work = std::move(handler)] { run(work); });
        } catch (const std::system_error&) {
            failure::throw_errno(ENOMEM, name_, "start a thread");
        }
    }

    [[nodiscard]] std::string last_failure() const {
        const std::lock_guard lock(failure_mutex_);
        return last_failure_;
    }

    void close() {
        stopping_ = true;
        const std::lock_guard lock(mutex_);
        if (thread_.joinable()) thread_.join();
        requests_->close();
    }

private:
    void run(const Handler& handler) {
        while (!stopping_) {
            try {
                const Frame request = requests_->read(look);
                answer(handler, request);
            } catch (const TimeoutError&) {
                // Nobody asks: another look whether to stop.
            } catch (const WriterDeadError&) {
                drop_client();
                // There is no event for the next client.
                std::this_thread::sleep_for(look);
            } catch (const Error& error) {
                // The request buffer itself is closed or broken: nothing that follows in it can be trusted.
                note(error.what());
                break;
            }
        }
        drop_client();
    }

    void answer(const Handler& handler, const Frame& request) {
        if (request.sequence() == 1) meet_client();
        // Without a client nobody waits for this answer, and the next one must not get it.
        if (!client_) return;
        std::vector<std::byte> response;
        try {
            response = handler(request);
        } catch (const std::exception& error) {
            fail_client(error);
            return;
        }
        try {
            respond(response);
        } catch (const Error& error) {
            const Code code = error.code();
            const bool gone = code == Code::reader_dead || code == Code::not_found || code == Code::closed;
            if (gone) {
                drop_client();
            } else {
                fail_client(error);
            }
        }
    }

    /// Connects before the handler takes its time: later, the response buffer may be another client's.
    void meet_client() {
        drop_client();
        const detail::Connection client = requests_->author();
        if (client.pid == 0) return;
        client_ = client;
        try {
            responses_ = join(0ns);
        } catch (const Error&) {
            // It may show its response buffer after its first request.
        }
    }

    void respond(std::span<const std::byte> response) {
        if (!responses_) responses_ = await_responses();
        for (;;) {
            try {
                responses_->write(response, look);
                return;
            } catch (const BufferFullError&) {
                // A client may take its time to read, unless we are to stop.
                if (stopping_) throw failure::closed("server");
            }
        }
    }

    [[nodiscard]] std::shared_ptr<detail::WriterCore> await_responses() const {
        const detail::Deadline deadline(connect_patience);
        for (;;) {
            try {
                return join(look);
            } catch (const NotFoundError&) {
                if (stopping_ || !deadline.next_slice()) throw;
            }
            std::this_thread::sleep_for(connect_retry);
        }
    }

    /// Connects to the response buffer of the client at hand, and not to that of one that has come after it.
    [[nodiscard]] std::shared_ptr<detail::WriterCore> join(std::chrono::nanoseconds timeout) const {
        const detail::Names names(name_ + "_response");
        auto responses = detail::connect(names, timeout, clients_);
        if (requests_->connection_now() == client_ && responses->reader_pid() == client_->pid) return responses;
        responses->close();
        throw failure::reader_dead(names.buffer(), "another client has come", client_->pid);
    }

    /// A client of ours gets the error for its response. A foreign one would not know it from a response: it learns
    /// that its server is gone.
    void fail_client(const std::exception& cause) {
        note(cause.what());
        try {
            if (!responses_) responses_ = await_responses();
            if (responses_->reader_is_ours()) {
                const std::string text = std::string(failure_mark) + cause.what();
                respond(std::as_bytes(std::span(text)).first(std::min(text.size(), responses_->always_fits())));
                return;
            }
            if (responses_->next_sequence() == 1) responses_->set_metadata(std::as_bytes(std::span(no_response)));
        } catch (const MetadataTooLargeError&) {
            std::this_thread::sleep_for(farewell);
        } catch (const Error&) {
            // It is gone already, or never showed its response buffer.
        }
        drop_client();
    }

    void drop_client() {
        client_.reset();
        if (const auto responses = std::exchange(responses_, nullptr)) responses->close();
    }

    void note(const std::string& failure) {
        const std::lock_guard lock(failure_mutex_);
        last_failure_ = failure;
    }

    std::string name_;
    ConnectConfig clients_;
    std::shared_ptr<detail::ReaderCore> requests_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::thread thread_;
    mutable std::mutex failure_mutex_;
    std::string last_failure_;
    // What follows belongs to the thread that answers.
    std::optional<detail::Connection> client_;
    std::shared_ptr<detail::WriterCore> responses_;
};

DuplexServer::DuplexServer(std::string_view name, const BufferConfig& config, const ConnectConfig& clients)
    : service_(std::make_unique<Service>(name, config, clients)) {}

DuplexServer::DuplexServer(DuplexServer&&) noexcept = default;
DuplexServer& DuplexServer::operator=(DuplexServer&&) noexcept = default;
DuplexServer::~DuplexServer() = default;

DuplexServer::Service& DuplexServer::service() const {
    if (!service_) throw failure::closed("server");
    return *service_;
}

void DuplexServer::start(Handler handler) { service().start(std::move(handler)); }

std::string DuplexServer::last_failure() const { return service().last_failure(); }

void DuplexServer::close() { service().close(); }

} // namespace zerobuffer
