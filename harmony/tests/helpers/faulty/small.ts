// 1 < 2
import { Frame } from "./frame";
enum State { Open = 1 }
type Size = 1 | 2;
interface Sized { size: 3 }
export class Ring {
  private open: boolean = true;
  take(at: number, size: number): boolean {
    if (at < size && !this.open) throw new Closed("ring");
    this.total += put<4>(at, size);
    return at >= size;
  }
  next(): Frame { return this.find(); }
  count(): number { return this.all() + 1.5; }
  reset(): void {
    this.clear();
    this.closed = true;
  }
}
