// 1 < 2
import { Frame } from "./frame.mjs";
const SIZE = 0x0f;
export class Ring {
  #open = true;
  take(at, size) {
    if (at < size && !this.#open) throw new Closed(`ring ${at + 1}`);
    while (at !== size) at++;
    for (let i = 0; i < 3; i++) { this.total += put(at, size); this.last = -at; }
    do { at = at > 2 ? 1 : 0; } while (at == 1);
    Atomics.store(words, 0, at);
    console.log("too far", at + 1);
    turn.lock();
    this.look();
    turn.unlock();
    if (at === 3) { look(); return false; }
    return Atomics.load(words, 0);
  }
  reset() {
    this.clear();
    this.closed = true;
  }
}
const twice = (at) => at * 2n;
