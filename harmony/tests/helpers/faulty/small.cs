// 1 < 2
using System;
namespace Rings
{
    [Layout(1)]
    public class Ring
    {
        enum State { Open = 1 }
        const int Size = 0x0f;
        volatile bool closed;
        public Ring() { Open(); Look(); }
        public bool Take(int at, int size)
        {
            lock (turn)
            {
                if (at < size && !open) throw new Closed("ring");
            }
            Monitor.Enter(turn);
            while (at != size) at++;
            Monitor.Exit(turn);
            for (int i = 0; i < 3; i++) { total += Put(at, size); last = -at; }
            do { at = at > 2 ? 1 : 0; } while (at == 1);
            Volatile.Write(ref head, 1);
            Console.Error.WriteLine("too far {0}", at + 1);
            if (at == 3) { Look(); return false; }
            return Volatile.Read(ref head) > 3u;
        }
        public int Length { get { return length; } }
        public Frame Next() { return Find(); }
        void Reset()
        {
            Clear();
            closed = true;
        }
    }
}
