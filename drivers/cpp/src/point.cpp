#include "point.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

namespace zerobuffer {

namespace detail {

std::atomic<Point> armed_point{Point::none};

namespace {

std::atomic<std::uint64_t> passages_left{0};
std::atomic<Deed> armed_deed{Deed::die};

constexpr std::array named{
    std::pair{std::string_view("writer.opened"), Point::writer_opened},
    std::pair{std::string_view("writer.announced"), Point::writer_announced},
    std::pair{std::string_view("writer.planned"), Point::writer_planned},
    std::pair{std::string_view("writer.data"), Point::writer_data},
    std::pair{std::string_view("writer.header"), Point::writer_header},
    std::pair{std::string_view("writer.intent"), Point::writer_intent},
    std::pair{std::string_view("writer.free"), Point::writer_free},
    std::pair{std::string_view("writer.position"), Point::writer_position},
    std::pair{std::string_view("writer.count"), Point::writer_count},
    std::pair{std::string_view("writer.commit"), Point::writer_commit},
    std::pair{std::string_view("writer.post"), Point::writer_post},
    std::pair{std::string_view("writer.done"), Point::writer_done},
    std::pair{std::string_view("writer.metadata"), Point::writer_metadata},
    std::pair{std::string_view("reader.formatted"), Point::reader_formatted},
    std::pair{std::string_view("reader.token"), Point::reader_token},
    std::pair{std::string_view("reader.wrap"), Point::reader_wrap},
    std::pair{std::string_view("reader.position"), Point::reader_position},
    std::pair{std::string_view("reader.count"), Point::reader_count},
    std::pair{std::string_view("reader.free"), Point::reader_free},
    std::pair{std::string_view("reader.space"), Point::reader_space},
    std::pair{std::string_view("reader.death"), Point::reader_death},
};

} // namespace

void hit() {
    if (passages_left.fetch_sub(1, std::memory_order_relaxed) != 1) return;
    armed_point.store(Point::none, std::memory_order_relaxed);
    // To this thread: where another one takes the signal, this one goes on for a moment before all of them stop.
    ::raise(armed_deed.load(std::memory_order_relaxed) == Deed::halt ? SIGSTOP : SIGKILL);
}

} // namespace detail

std::vector<std::string_view> points() {
    std::vector<std::string_view> names;
    names.reserve(detail::named.size());
    for (const auto& entry : detail::named) names.push_back(entry.first);
    return names;
}

bool arm_point(std::string_view name, std::uint64_t passage, Deed deed) {
    const auto* const found = std::find_if(detail::named.begin(), detail::named.end(),
                                           [name](const auto& entry) { return entry.first == name; });
    if (found == detail::named.end() || passage == 0) return false;
    detail::armed_point.store(detail::Point::none, std::memory_order_relaxed);
    detail::passages_left.store(passage, std::memory_order_relaxed);
    detail::armed_deed.store(deed, std::memory_order_relaxed);
    detail::armed_point.store(found->second, std::memory_order_relaxed);
    return true;
}

} // namespace zerobuffer
