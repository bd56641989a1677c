#include "system.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <grp.h>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace driver {

namespace {

int checked(int result) {
    if (result < 0) throw std::system_error(errno, std::generic_category());
    return result;
}

std::string content_of(const std::filesystem::path& path) {
    const std::ifstream file(path);
    // Unlike an iterator, this takes an error of the file, such as of a thread that is gone, for its end.
    std::ostringstream content;
    content << file.rdbuf();
    std::string text = content.str();
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

} // namespace

void die_with_parent() {
    const ::pid_t parent = ::getppid();
    checked(::prctl(PR_SET_PDEATHSIG, SIGKILL));
    // It may have died before it was asked for.
    if (::getppid() != parent) ::kill(::getpid(), SIGKILL);
}

void become_user(unsigned int number) {
    checked(::setgroups(0, nullptr));
    checked(::setresgid(number, number, number));
    checked(::setresuid(number, number, number));
}

int take_stdout() {
    const int out = checked(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    checked(::dup2(STDERR_FILENO, STDOUT_FILENO));
    return out;
}

int watch_signals() {
    std::signal(SIGXFSZ, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
    ::sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGTERM);
    checked(-::pthread_sigmask(SIG_BLOCK, &signals, nullptr));
    return checked(::signalfd(-1, &signals, SFD_CLOEXEC));
}

double processor_seconds() noexcept {
    ::timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

bool refuses_change(std::span<const std::byte> bytes) noexcept {
    const int zeroes = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
    if (zeroes < 0 || bytes.empty()) return false;
    const bool refused = ::read(zeroes, const_cast<std::byte*>(bytes.data()), 1) < 0 && errno == EFAULT;
    ::close(zeroes);
    return refused;
}

void name_thread(const std::string& name) noexcept {
    constexpr std::size_t longest = 15;
    ::pthread_setname_np(::pthread_self(), name.substr(0, longest).c_str());
}

std::vector<ThreadStack> threads() {
    std::vector<ThreadStack> all;
    std::error_code gone;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone)) {
        const std::filesystem::path& folder = task.path();
        std::ostringstream stack;
        std::istringstream status(content_of(folder / "status"));
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("State:")) stack << line << "\n";
        }
        stack << "syscall: " << content_of(folder / "syscall") << "\n";
        stack << "waits in: " << content_of(folder / "wchan") << "\n";
        // What the kernel lets only its owner see.
        if (const std::string inside = content_of(folder / "stack"); !inside.empty()) stack << inside << "\n";
        all.push_back({.name = content_of(folder / "comm") + " " + folder.filename().native(), .stack = stack.str()});
    }
    return all;
}

} // namespace driver
