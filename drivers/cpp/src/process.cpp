#include "process.hpp"

#include "descriptor.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace zerobuffer::detail {

namespace {

constexpr std::uint64_t largest_pid = std::uint64_t{1} << 22;
/// Start times have the granularity of a tick, and the wall clock is set now and then.
constexpr double clock_slack = 1.0;
/// Of a start time that /proc does not tell: it hides the processes of others, or there is no descriptor for it.
constexpr std::uint64_t untold = 0;

/// Ticks after the boot, from the text of /proc/PID/stat; nothing for a zombie.
std::optional<std::uint64_t> parse_start_time(std::string_view stat) {
    // The name stands in parentheses and may hold anything: the fields are counted from the last one that closes.
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string_view::npos || name_end + 2 >= stat.size()) return std::nullopt;
    const char state = stat[name_end + 2];
    if (state == 'Z' || state == 'X') return std::nullopt;
    std::size_t at = name_end + 2;
    for (int field = 3; field < 22; field++) {
        at = stat.find(' ', at);
        if (at == std::string_view::npos) return std::nullopt;
        at++;
    }
    std::uint64_t ticks = untold;
    std::from_chars(stat.data() + at, stat.data() + stat.size(), ticks);
    return ticks;
}

/// Nothing for a zombie.
std::optional<std::uint64_t> start_time(std::uint64_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 1024> text{};
    const ::ssize_t length = file ? ::read(file.get(), text.data(), text.size()) : 0;
    if (length <= 0) return untold;
    return parse_start_time({text.data(), static_cast<std::size_t>(length)});
}

/// Seconds since the epoch; 0 if the system does not say.
double boot_time() {
    std::ifstream stat("/proc/stat");
    for (std::string line; std::getline(stat, line);) {
        if (line.starts_with("btime ")) return std::stod(line.substr(6));
    }
    return 0;
}

/// Whether a process is known to have started after a moment.
bool started_after(std::uint64_t pid, double moment) {
    if (moment <= 0) return false;
    const auto ticks = start_time(pid);
    if (!ticks || *ticks == untold) return false;
    const double start = boot_time() + static_cast<double>(*ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    return start > moment + clock_slack;
}

} // namespace

bool Peer::lives() const {
    // No permission to signal it means that it is there.
    if (pid_ == 0 || pid_ > largest_pid || (::kill(static_cast<::pid_t>(pid_), 0) != 0 && errno == ESRCH)) return false;
    const auto start = start_time(pid_);
    return start && (*start == untold || start_time_ == untold || *start == start_time_);
}

Life Peer::look(std::uint64_t pid) {
    if (pid != pid_) {
        pid_ = pid;
        start_time_ = start_time(pid).value_or(untold);
        life_ = lives() ? Life::alive : Life::unknown;
    } else if (life_ == Life::alive && !lives()) {
        // Its number may come back: what has ended stays ended.
        life_ = Life::dead;
    }
    return life_;
}

bool owner_lives(std::uint64_t pid, double made_at) {
    return Peer().look(pid) == Life::alive && !started_after(pid, made_at);
}

} // namespace zerobuffer::detail
