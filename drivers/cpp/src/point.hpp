#pragma once

#include <zerobuffer/point.hpp>

#include <atomic>

namespace zerobuffer::detail {

enum class Point {
    none,
    writer_opened,
    writer_announced,
    writer_planned,
    writer_data,
    writer_header,
    writer_intent,
    writer_free,
    writer_position,
    writer_count,
    writer_commit,
    writer_post,
    writer_done,
    writer_metadata,
    reader_formatted,
    reader_token,
    reader_wrap,
    reader_position,
    reader_count,
    reader_free,
    reader_space,
    reader_death,
};

extern std::atomic<Point> armed_point;

void hit();

/// Dies or halts here if somebody has asked for it.
inline void pass(Point point) {
    if (armed_point.load(std::memory_order_relaxed) == point) [[unlikely]] {
        hit();
    }
}

} // namespace zerobuffer::detail
