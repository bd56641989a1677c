#pragma once

#include "json.hpp"
#include "system.hpp"
#include "transfer.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// What verbs answer, with the names of the contract. JSON is made of it in results.cpp alone.
namespace driver {

struct Blob {
    std::uint64_t size;
    std::uint32_t digest;
};

struct FrameInfo {
    std::uint64_t frame = 0;
    std::uint64_t sequence;
    std::uint64_t size;
    std::uint32_t digest;
};

struct Service {
    std::uint64_t requests;
    std::uint64_t refused_changes;
};

struct Structure {
    std::uint64_t size;
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> fields; ///< Offset and size of each.
};

struct Identity {
    std::string protocol;
    std::string language;
    std::string implementation;
    std::string version;
    std::int64_t pid;
    std::vector<std::string> capabilities;
    std::map<std::string, Structure> layout;
};

struct RequestUnderWay {
    Id id;
    std::string verb;
    double seconds;
};

struct Dump {
    std::vector<RequestUnderWay> requests;
    std::vector<ThreadStack> threads;
};

using Result = std::variant<std::nullptr_t, bool, std::uint64_t, std::string, std::vector<double>, Blob, FrameInfo,
                            Service, Transfer, Identity, Dump>;

[[nodiscard]] Json as_json(const Result& result);

} // namespace driver
