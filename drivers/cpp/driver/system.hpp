#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

/// What the driver asks of the system.
namespace driver {

/// Has this process die with its parent.
/// @throws std::system_error
void die_with_parent();

/// Becomes another user and group, for good.
/// @throws std::system_error
void become_user(unsigned int number);

/// What the library or the system prints to stdout from now on goes to stderr; returns the descriptor of the old one.
/// @throws std::system_error
[[nodiscard]] int take_stdout();

/// A descriptor that becomes readable when somebody asks this process to end. To be called before there are other
/// threads; a file that grows too large becomes an error instead of a signal, and so does a pipe that nobody reads.
/// @throws std::system_error
[[nodiscard]] int watch_signals();

/// Processor time that all threads of this process have used.
[[nodiscard]] double processor_seconds() noexcept;

/// Tries to set the first byte to 0, against what its type promises, and says whether that was refused. The system is
/// asked to do it: where memory is mapped without the right to write, that is an error and no crash.
[[nodiscard]] bool refuses_change(std::span<const std::byte> bytes) noexcept;

/// Names this thread for a look from outside.
void name_thread(const std::string& name) noexcept;

struct ThreadStack {
    std::string name;
    std::string stack;
};

/// Where every thread of this process stands.
[[nodiscard]] std::vector<ThreadStack> threads();

} // namespace driver
