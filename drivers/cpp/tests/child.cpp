#include "child.hpp"

#include "case.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <system_error>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

namespace {

constexpr int patience_milliseconds = 20'000;

} // namespace

Child::Child(const std::function<void()>& work) : pid_(::fork()) {
    if (pid_ < 0) throw std::system_error(errno, std::generic_category());
    if (pid_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
        work();
    } catch (const std::exception& error) {
        std::cerr << "child: " << error.what() << std::endl;
        ::_exit(1);
    }
    ::_exit(0);
}

Child::~Child() {
    if (pid_ > 0) {
        kill();
        wait();
    }
}

void Child::kill() const { ::kill(pid_, SIGKILL); }

void Child::await_halt() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_milliseconds);
    while (std::chrono::steady_clock::now() < end) {
        ::siginfo_t change{};
        // What it sees stays to be waited for.
        const int seen = ::waitid(P_PID, static_cast<::id_t>(pid_), &change, WSTOPPED | WEXITED | WNOHANG | WNOWAIT);
        if (seen == 0 && change.si_pid == pid_) {
            if (change.si_code == CLD_STOPPED) return;
            throw Failure("a child has ended instead of halting");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    throw Failure("a child does not halt");
}

void Child::go_on() const { ::kill(pid_, SIGCONT); }

int Child::wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    if (WIFSIGNALED(status)) return WTERMSIG(status);
    return WEXITSTATUS(status) == 0 ? 0 : -1;
}

Gate::Gate() {
    if (::pipe(ends_) != 0) throw std::system_error(errno, std::generic_category());
}

Gate::~Gate() {
    ::close(ends_[0]);
    ::close(ends_[1]);
}

void Gate::open() const {
    const char token = 0;
    if (::write(ends_[1], &token, 1) != 1) throw Failure("a pipe is broken");
}

void Gate::wait() const {
    ::pollfd watched{.fd = ends_[0], .events = POLLIN, .revents = 0};
    if (::poll(&watched, 1, patience_milliseconds) != 1) throw Failure("a child has not come so far");
    char token = 0;
    if (::read(ends_[0], &token, 1) != 1) throw Failure("a pipe is broken");
}

} // namespace test
