#pragma once

#include <exception>
#include <functional>
#include <thread>
#include <utility>

#include <sys/types.h>

namespace test {

/// Work in a process of its own, which is killed and reaped in the end. To be made while there is but one thread.
class Child {
public:
    explicit Child(const std::function<void()>& work);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child();

    void kill() const;

    /// Waits until it has stopped itself.
    void await_halt() const;

    void go_on() const;

    /// Waits for its end; the signal that ended it, 0 after work that is done, -1 after work that failed.
    int wait();

private:
    ::pid_t pid_;
};

/// Work in a thread of its own; join() throws what the work threw.
class Thread {
public:
    explicit Thread(std::function<void()> work)
        : thread_([this, doing = std::move(work)] {
              try {
                  doing();
              } catch (...) {
                  failure_ = std::current_exception();
              }
          }) {}

    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

    ~Thread() {
        if (thread_.joinable()) thread_.join();
    }

    void join() {
        thread_.join();
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    std::exception_ptr failure_;
    std::thread thread_;
};

/// A pipe by which a child says that it has come so far.
class Gate {
public:
    Gate();
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
    ~Gate();

    void open() const;
    void wait() const;

private:
    int ends_[2];
};

} // namespace test
