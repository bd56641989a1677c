namespace ZeroBuffer
{
    /// <summary>
    /// Locks on bytes of the segment file far behind its end. The kernel drops them with their process, in whatever
    /// pid namespace: the holder of one lives.
    /// </summary>
    internal sealed unsafe class Presence
    {
        public const long Reader = 1L << 40;
        public const long Writer = 1L << 41;

        /// <summary>No sign of life: its holder removes what a dead reader left.</summary>
        public const long Removal = 1L << 42;

        private readonly FileDescriptor segment;

        public Presence(FileDescriptor segment)
        {
            this.segment = segment;
        }

        /// <summary>Takes a lock, until it is given back or the descriptor is closed.</summary>
        public bool TryHold(long place)
        {
            return SystemCalls.Succeeds(Ask(Libc.F_OFD_SETLK, place, Libc.F_WRLCK, out _), Libc.EAGAIN);
        }

        public void Leave(long place)
        {
            Ask(Libc.F_OFD_SETLK, place, Libc.F_UNLCK, out _);
        }

        /// <summary>Whether a lock is held through another descriptor.</summary>
        public bool IsHeld(long place)
        {
            return Ask(Libc.F_OFD_GETLK, place, Libc.F_WRLCK, out var found) == 0 && found != Libc.F_UNLCK;
        }

        private int Ask(int command, long place, short kind, out short found)
        {
            var range = new Libc.RangeLock { Kind = kind, Start = place, Length = 1 };
            var result = Libc.fcntl(segment.Number, command, &range);
            found = range.Kind;
            return result;
        }
    }
}
