// 1 < 2
package rings;
import rings.Frame;
class Ring {
  static final int SIZE = 0x0f;
  private volatile boolean closed;
  @Limit(3) public synchronized boolean take(int at, int size) {
    synchronized (turn) { look(); }
    turn.lock();
    if (at < size && !open) throw new Closed("ring " + at);
    turn.unlock();
    while (at != size) at++;
    for (int i = 0; i < 3; i++) { total += put(at, size); last = -at; }
    do { at = at > 2 ? 1 : 0; } while (at == 1);
    HEAD.setRelease(this, 1);
    logger.info("too far " + (at + 1));
    if (at == 3) { look(); return false; }
    return at >= size;
  }
  Frame next() { return find(); }
  void reset() {
    clear();
    closed = true;
  }
}
