#include "names.hpp"

#include "failure.hpp"

#include <algorithm>
#include <cstdlib>

namespace zerobuffer::detail {

namespace {

const std::filesystem::path shared_memory = "/dev/shm";

bool legal(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '-' || letter == '_' || letter == '.';
}

std::string objection(std::string_view name) {
    if (name.empty()) return "it is empty";
    if (name.find('/') != std::string_view::npos) return "it holds a '/'";
    if (name.starts_with("sem.")) return "it begins with 'sem.', as the files of semaphores do";
    if (name == "." || name.find("..") != std::string_view::npos) return "it holds '..' or is '.'";
    if (!std::all_of(name.begin(), name.end(), legal)) return "it holds something else than the letters allowed";
    if (name.size() > longest_name) return "it has " + std::to_string(name.size()) + " bytes";
    return {};
}

} // namespace

Names::Names(std::string_view buffer) : buffer_(buffer) {
    if (const std::string reason = objection(buffer); !reason.empty()) throw failure::invalid_name(buffer, reason);
}

std::filesystem::path Names::segment() const { return shared_memory / buffer_; }

std::filesystem::path Names::lock_directory() {
    const char* chosen = std::getenv("ZEROBUFFER_LOCK_DIR");
    return chosen != nullptr && *chosen != '\0' ? chosen : "/tmp/zerobuffer";
}

std::filesystem::path semaphore_file(std::string_view semaphore) {
    return shared_memory / ("sem." + std::string(semaphore.substr(1)));
}

} // namespace zerobuffer::detail
