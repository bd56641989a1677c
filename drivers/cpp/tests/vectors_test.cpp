#include "buffers.hpp"
#include "case.hpp"
#include "names.hpp"

#include <nlohmann/json.hpp>

#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>

namespace {

using zerobuffer::ControlBlock;

/// The memory with what may differ made equal: the numbers of processes, the words of ours, the end of an exact fit.
std::vector<std::byte> normalised(std::vector<std::byte> bytes) {
    ControlBlock block{};
    std::memcpy(&block, bytes.data(), sizeof block);
    block.reserved = {};
    if (block.writer_pid != 0) block.writer_pid = 1;
    if (block.reader_pid != 0) block.reader_pid = 1;
    if (block.payload_write_pos == block.payload_size) block.payload_write_pos = 0;
    std::memcpy(bytes.data(), &block, sizeof block);
    return bytes;
}

/// A reader and a writer that do what a vector says.
class Side {
public:
    void create(std::uint64_t metadata, std::uint64_t payload) {
        held_.clear();
        writer_.reset();
        reader_.reset();
        reader_.emplace(test::unique_name(),
                        zerobuffer::BufferConfig{.metadata_size = metadata, .payload_size = payload});
    }

    void connect() { writer_.emplace(reader_->name()); }

    void begin(std::uint64_t metadata, std::uint64_t payload) {
        create(metadata, payload);
        connect();
    }

    void metadata(std::size_t size) { writer_->set_metadata(test::ramp(size)); }

    void write(std::size_t size) { writer_->write(test::ramp(size, writer_->next_sequence())); }

    void read() { held_.push_back(reader_->read(test::patience)); }

    void release() { held_.clear(); }

    void take() {
        read();
        release();
    }

    [[nodiscard]] const std::string& name() const { return reader_->name(); }

private:
    std::optional<zerobuffer::Reader> reader_;
    std::optional<zerobuffer::Writer> writer_;
    std::vector<zerobuffer::Frame> held_;
};

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw test::Skipped("no byte vectors: " + path + " is missing");
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void compare(const Side& side, const nlohmann::json& entry) {
    const std::string folder = ZEROBUFFER_VECTORS;
    const std::string expected = content_of(folder + "/" + entry.at("file").get<std::string>());
    std::vector<std::byte> bytes(expected.size());
    std::memcpy(bytes.data(), expected.data(), expected.size());
    const auto id = entry.at("id").get<std::string>();
    if (normalised(bytes) != normalised(test::memory(side.name()))) throw test::Failure(id + ": the memory differs");
    const zerobuffer::detail::Names names(side.name());
    for (const auto& [key, semaphore] :
         {std::pair{"sem_w", names.data_semaphore()}, std::pair{"sem_r", names.space_semaphore()}}) {
        if (test::tokens(semaphore) != entry.at(key)) throw test::Failure(id + ": " + key + " differs");
    }
}

} // namespace

// Each vector is what stands in memory after its operations; those of one letter go on from each other.
TEST(vectors, memory_is_that_of_the_peers_byte_by_byte) {
    Side side;
    std::map<std::string, std::function<void()>> operations{
        {"a1-created", [&] { side.create(1024, 10240); }},
        {"a2-connected", [&] { side.connect(); }},
        {"a3-metadata", [&] { side.metadata(100); }},
        {"a4-one-frame", [&] { side.write(1024); }},
        {"a5-read-held", [&] { side.read(); }},
        {"a6-released", [&] { side.release(); }},
        {"a7-four-more",
         [&] {
             for (int frame = 0; frame < 4; frame++) side.write(2048);
         }},
        {"a8-two-read",
         [&] {
             side.take();
             side.take();
         }},
        {"a9-wrapped", [&] { side.write(2048); }},
        {"a10-before-marker",
         [&] {
             side.take();
             side.take();
         }},
        {"a11-across-marker", [&] { side.take(); }},
        {"b1-tiny",
         [&] {
             side.begin(0, 64);
             side.write(1);
         }},
        {"c1-exact-fit",
         [&] {
             side.begin(0, 1024);
             side.write(496);
             side.write(496);
         }},
        {"d1-rounding", [&] { side.create(65, 1000); }},
        {"e1-mixed",
         [&] {
             side.begin(64, 4096);
             int number = 0;
             for (const std::size_t size :
                  {16U, 32U, 240U, 1008U, 496U, 64U, 2000U, 112U, 768U, 1488U, 336U, 48U, 160U}) {
                 side.write(size);
                 number++;
                 if (number == 1 || (number >= 3 && number <= 12)) side.take();
             }
         }},
        {"f1-marker-fills-tail",
         [&] {
             side.begin(0, 1024);
             side.write(992);
             side.take();
             side.write(100);
         }},
    };
    const std::string manifest = content_of(std::string(ZEROBUFFER_VECTORS) + "/manifest.jsonl");
    for (std::size_t at = 0; at < manifest.size();) {
        const std::size_t end = std::min(manifest.find('\n', at), manifest.size());
        const auto entry = nlohmann::json::parse(std::string_view(manifest).substr(at, end - at));
        const auto id = entry.at("id").get<std::string>();
        const auto operation = operations.find(id);
        if (operation == operations.end()) throw test::Failure("this test does not know how to make " + id);
        operation->second();
        compare(side, entry);
        operations.erase(operation);
        at = end + 1;
    }
    if (!operations.empty()) throw test::Failure("there is no vector " + operations.begin()->first);
}
