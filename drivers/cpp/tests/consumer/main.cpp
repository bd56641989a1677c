#include <zerobuffer/zerobuffer.hpp>

#include <cstddef>
#include <iostream>
#include <string>
#include <string_view>

#include <unistd.h>

int main() {
    using namespace std::chrono_literals;
    const std::string name = "cpp-consumer_" + std::to_string(::getpid());
    zerobuffer::Reader reader(name, {.payload_size = 1 << 16});
    zerobuffer::Writer writer(name);
    writer.write(std::as_bytes(std::span(std::string_view("hello"))));
    const zerobuffer::Frame frame = reader.read(1s);
    std::cout << "frame " << frame.sequence() << " has " << frame.size() << " bytes\n";
    return frame.size() == 5 ? 0 : 1;
}
