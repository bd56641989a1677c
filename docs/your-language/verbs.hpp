// What the story of docs/your-language.md writes into verbs.hpp: methods for their stubs, then what they share.

    void close_all() {
        const std::lock_guard lock(mutex_);
        for (auto& [number, buffer] : buffers_) {
            buffer->leave();
        }
    }

    Json create(const std::string& name, std::uint64_t metadata, std::uint64_t payload, double timeout) {
        if (payload == 0) throw Misfit("payload: a buffer has at least one byte");
        return keep(Buffer::create(name, metadata, payload));
    }

    Json connect(const std::string& name, double timeout) { return keep(Buffer::connect(name)); }

    Json close(std::uint64_t handle, double timeout) {
        const std::lock_guard lock(mutex_);
        if (auto found = buffers_.extract(handle)) {
            found.mapped()->leave();
            std::erase_if(frames_, [handle](const auto& entry) { return entry.second.owner == handle; });
            std::erase_if(slots_, [handle](const auto& entry) { return entry.second.owner == handle; });
            return nullptr;
        }
        throw Refused(codes::closed, "there is nothing open under this number");
    }

    Json write(
        std::uint64_t handle,
        const Payload& payload,
        std::uint64_t count,
        const std::vector<std::uint64_t>& sizes,
        double interval,
        double timeout) {
        const auto buffer = find(handle, Side::writer);
        const auto begin = Clock::now();
        const auto cpu = std::clock();
        const auto until = in(timeout);
        const auto pause = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(interval));
        std::uint64_t first = 0, last = 0, bytes = 0;
        Json runs = Json::array();
        for (std::uint64_t number = 0; number < count; ++number) {
            std::this_thread::sleep_until(begin + static_cast<std::int64_t>(number) * pause);
            Payload recipe = payload;
            if (!sizes.empty()) recipe.size = static_cast<std::int64_t>(sizes[number % sizes.size()]);
            const auto size = bytes_of(recipe, 1).size();
            const std::chrono::duration<double> left = until - Clock::now();
            const auto slot = buffer->acquire(size, left.count());
            lay(slot, recipe, 0);
            last = buffer->commit(slot);
            first = first ? first : last;
            bytes += size;
            runs.push_back(Json::array({size, 1}));
        }
        const std::chrono::duration<double> seconds = Clock::now() - begin;
        return {
            {"frames", count},
            {"bytes", bytes},
            {"first", first},
            {"last", last},
            {"breaks", 0},
            {"runs", runs},
            {"digest", 0},
            {"seconds", seconds.count()},
            {"cpu_seconds", static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC},
        };
    }

    Json read(std::uint64_t handle, double timeout) {
        const auto buffer = find(handle, Side::reader);
        auto* frame = buffer->read(timeout); // without the lock: other verbs go on
        const std::lock_guard lock(mutex_);
        frames_[++last_] = {handle, buffer, frame};
        return {
            {"frame", last_},
            {"sequence", frame->sequence},
            {"size", frame->size},
            {"digest", crc32(frame->data, frame->size)},
        };
    }

    Json release(std::uint64_t frame, double timeout) {
        const std::lock_guard lock(mutex_);
        const auto& found = open(frames_, frame);
        if (!found.held->released) found.buffer->release(found.held);
        return nullptr;
    }

    Json acquire(std::uint64_t handle, std::uint64_t size, double timeout) {
        const auto buffer = find(handle, Side::writer);
        const auto slot = buffer->acquire(size, timeout);
        const std::lock_guard lock(mutex_);
        slots_[++last_] = {handle, buffer, slot};
        return last_;
    }

    Json put(std::uint64_t slot, const Payload& payload, std::uint64_t offset, double timeout) {
        const std::lock_guard lock(mutex_);
        lay(open(slots_, slot).slot, payload, offset);
        return nullptr;
    }

    Json commit(std::uint64_t slot, double timeout) {
        const std::lock_guard lock(mutex_);
        const auto place = take(slot);
        return place.buffer->commit(place.slot);
    }

    Json abandon(std::uint64_t slot, double timeout) {
        const std::lock_guard lock(mutex_);
        take(slot).buffer->abandon();
        return nullptr;
    }

    Json write_metadata(std::uint64_t handle, const Payload& payload, double timeout) {
        find(handle, Side::writer)->write_metadata(bytes_of(payload, 0));
        return nullptr;
    }

private:
    struct Frame {
        std::uint64_t owner;
        std::shared_ptr<Buffer> buffer;
        Buffer::Held* held;
    };

    struct Place {
        std::uint64_t owner;
        std::shared_ptr<Buffer> buffer;
        Buffer::Slot slot;
    };

    template <class Thing>
    static Thing& open(std::map<std::uint64_t, Thing>& things, std::uint64_t number) {
        const auto found = things.find(number);
        if (found == things.end()) throw Refused(codes::closed, "there is nothing open under this number");
        return found->second;
    }

    Place take(std::uint64_t slot) {
        const auto place = open(slots_, slot);
        slots_.erase(slot);
        return place;
    }

    static void lay(const Buffer::Slot& slot, const Payload& payload, std::uint64_t offset) {
        const auto bytes = bytes_of(payload, slot.sequence);
        if (offset > slot.size || bytes.size() > slot.size - offset) throw Misfit("offset: the slot is smaller");
        std::memcpy(slot.data + offset, bytes.data(), bytes.size());
    }

    static Bytes bytes_of(const Payload& payload, std::uint64_t sequence) {
        const bool framed = payload.pattern == "frame";
        const auto shift = framed ? (payload.sequence ? payload.sequence : sequence) : 0;
        Bytes made(payload.text.begin(), payload.text.end());
        if (payload.pattern != "text") made.resize(payload.size);
        for (std::size_t i = 0; i < made.size(); ++i) {
            made[i] = (payload.pattern == "text" ? made[i] : i + shift) ^ payload.mask;
        }
        const Bytes once = made;
        for (auto left = payload.repeat; left > 1; --left) {
            made.insert(made.end(), once.begin(), once.end());
        }
        return made;
    }

    static std::uint32_t crc32(const unsigned char* data, std::size_t size) {
        std::uint32_t digest = ~0U;
        for (std::size_t i = 0; i < size; ++i) {
            digest ^= data[i];
            for (int bit = 0; bit < 8; ++bit) {
                digest = digest >> 1 ^ (digest & 1 ? 0xedb88320 : 0);
            }
        }
        return ~digest;
    }

    std::uint64_t keep(std::shared_ptr<Buffer> buffer) {
        const std::lock_guard lock(mutex_);
        buffers_[++last_] = std::move(buffer);
        return last_;
    }

    std::shared_ptr<Buffer> find(std::uint64_t handle, Side side) {
        const std::lock_guard lock(mutex_);
        const auto buffer = open(buffers_, handle);
        if (buffer->side() != side) throw Refused(codes::closed, "what is open under this number is of another kind");
        return buffer;
    }

    std::mutex mutex_;
    std::uint64_t last_ = 0;
    std::map<std::uint64_t, std::shared_ptr<Buffer>> buffers_;
    std::map<std::uint64_t, Frame> frames_;
    std::map<std::uint64_t, Place> slots_;
