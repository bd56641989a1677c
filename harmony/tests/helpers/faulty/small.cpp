// 1 < 2
#include <atomic>
using Count = std::array<int, 4>;
enum class State { open = 1 };
namespace ring {
template <int N = 3>
class Ring {
 public:
  explicit Ring(int size) : size_(size + 1) { open(); look(); }
  bool take(int at, int size) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (at < size && !open_) throw Closed("ring");
    if (auto frame = next(); frame > 2) return false;
    if (auto frame = next()) return false;
    while (at != size) ++at;
    for (auto& one : list_) use(one, at);
    head_.store(1, std::memory_order_release);
    head_.store(1, std::memory_order::release);
    std::cerr << "too far" << at;
    turn_.lock();
    total_ += at * 1'000;
    turn_.unlock();
    return at >= size;
  }
  int limit_ = 3;
};
std::optional<int> Ring::look() const { return next(-size_); }
const std::string& Ring::name() const { return name_; }
void Ring::reset() noexcept {
  clear();
  closed_ = true;
}
}  // namespace ring
