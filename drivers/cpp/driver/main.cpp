// Performs the verbs of the driver contract on the C++ implementation of ZeroBuffer: requests come over stdin, answers
// go to stdout, which belongs to them alone.
//
// zerobuffer-driver [USER]: the number of the user and group to become, if any.

#include "dispatcher.hpp"
#include "framing.hpp"
#include "system.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <system_error>
#include <thread>

#include <poll.h>
#include <unistd.h>

namespace driver {

namespace {

using namespace std::chrono_literals;

/// Writes answers, one at a time.
class Answers {
public:
    explicit Answers(int descriptor) : descriptor_(descriptor) {}

    void send(std::string_view body) {
        const std::string message = encode_frame(body);
        std::string_view rest = message;
        const std::lock_guard lock(mutex_);
        while (!rest.empty()) {
            const ::ssize_t written = ::write(descriptor_, rest.data(), rest.size());
            if (written > 0) {
                rest.remove_prefix(static_cast<std::size_t>(written));
            } else if (errno != EINTR) {
                // A reader that is gone is no error: the end of stdin follows.
                return;
            }
        }
    }

private:
    std::mutex mutex_;
    int descriptor_;
};

/// Counts the threads that perform requests.
class ThreadCount {
public:
    void add() {
        const std::lock_guard lock(mutex_);
        count_++;
    }

    void remove() {
        const std::lock_guard lock(mutex_);
        count_--;
        changed_.notify_all();
    }

    /// Says whether none is left within this time.
    bool wait(std::chrono::nanoseconds time) {
        std::unique_lock lock(mutex_);
        return changed_.wait_until(lock, std::chrono::steady_clock::now() + time, [this] { return count_ == 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t count_ = 0;
};

class Driver {
public:
    explicit Driver(int out) : answers_(out) {}

    /// Performs requests, each in a thread of its own, until the source ends or a signal comes.
    void serve(int source, int signals) {
        Decoder decoder;
        std::array<char, 1 << 16> chunk{};
        std::array<::pollfd, 2> watched{{{source, POLLIN, 0}, {signals, POLLIN, 0}}};
        for (;;) {
            if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) {
                throw std::system_error(errno, std::generic_category(), "could not wait for requests");
            }
            if (watched[1].revents != 0) return;
            if (watched[0].revents == 0) continue;
            const ::ssize_t length = ::read(source, chunk.data(), chunk.size());
            if (length == 0) return;
            if (length < 0) {
                if (errno == EINTR) continue;
                throw std::system_error(errno, std::generic_category(), "could not read from stdin");
            }
            decoder.feed({chunk.data(), static_cast<std::size_t>(length)});
            while (const auto item = decoder.next()) take(*item);
        }
    }

    /// Closes all that is open; says whether every request came to its end.
    bool end() {
        dispatcher_.end();
        return threads_.wait(500ms);
    }

private:
    void take(const Item& item) {
        if (item.is_fault) {
            answers_.send(response(nullptr, Failure(parse_error, "Parse error: " + item.text)));
            return;
        }
        try {
            start(parse_request(item.text));
        } catch (const Malformed& malformed) {
            answers_.send(response(malformed.id, malformed));
        }
    }

    void start(Request request) {
        threads_.add();
        const Id id = request.id;
        try {
            std::thread([this, asked = std::move(request)] {
                name_thread(asked.method);
                perform(asked);
                threads_.remove();
            }).detach();
        } catch (const std::system_error& error) {
            threads_.remove();
            answers_.send(response(id, Failure(zerobuffer::Code::resource_exhausted,
                                               std::string("could not start a thread: ") + error.what())));
        }
    }

    void perform(const Request& request) {
        std::string answer;
        try {
            answer = response(request.id, dispatcher_.perform(request));
        } catch (const Failure& failure) {
            answer = response(request.id, failure);
        } catch (const std::exception& bug) {
            answer = response(request.id, Failure(internal_error, std::string("Internal error: ") + bug.what()));
        }
        if (request.id) answers_.send(answer);
    }

    Answers answers_;
    Dispatcher dispatcher_;
    ThreadCount threads_;
};

int run(int count, char** arguments) {
    if (count > 1) become_user(static_cast<unsigned int>(std::stoul(arguments[1])));
    die_with_parent();
    const int signals = watch_signals();
    // Threads that are still under way at the end must find it.
    static Driver driver(take_stdout());
    driver.serve(STDIN_FILENO, signals);
    return driver.end() ? EXIT_SUCCESS : -1;
}

} // namespace

} // namespace driver

int main(int count, char** arguments) {
    try {
        if (driver::run(count, arguments) == EXIT_SUCCESS) return EXIT_SUCCESS;
        // Some request is stuck in the system; what it holds ends with the process.
        std::_Exit(EXIT_SUCCESS);
    } catch (const std::exception& error) {
        std::cerr << "zerobuffer-driver: " << error.what() << std::endl;
        return 3;
    }
}
