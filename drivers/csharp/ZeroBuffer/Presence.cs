namespace ZeroBuffer
{
    /// <summary>
    /// Locks on bytes of the segment file far behind its end, which the kernel drops with their process.
    /// </summary>
    /// <remarks>
    /// Beside the protocol, and understood by the other implementations of this project: a reader's lock proves a life
    /// in another pid namespace. That of a writer tells two connections of one process apart: its place is the moment
    /// of the connection, its length one more than the count of frames and markers at which the connection begins.
    /// Peers have no such locks and are told apart by their process numbers alone.
    /// </remarks>
    internal sealed unsafe class Presence
    {
        private const long ReaderPlace = 1L << 40;
        private const long WriterPlaces = 1L << 41;
        private const ulong LongestLock = 1UL << 61;

        private readonly FileDescriptor segment;

        public Presence(FileDescriptor segment)
        {
            this.segment = segment;
        }

        public bool ReaderIsSeen
        {
            get { return Find(ReaderPlace, 1).Start != 0; }
        }

        public void EnterReader()
        {
            Lock(Libc.F_WRLCK, ReaderPlace, 1);
        }

        public void EnterWriter(ulong first)
        {
            // Without a lock all works, but for what it is there for.
            Lock(Libc.F_WRLCK, WriterPlaces + Clock.Now, first < LongestLock ? (long)first + 1 : 1);
        }

        public void Leave()
        {
            Lock(Libc.F_UNLCK, ReaderPlace, 0);
        }

        /// <summary>Where the writer that is connected now has its lock; 0 if it has none.</summary>
        /// <param name="first">The count of frames and markers at which its connection begins; 0 if unknown.</param>
        public long Writer(out ulong first)
        {
            var found = Find(WriterPlaces, 0);
            first = found.Start == 0 ? 0 : (ulong)found.Length - 1;
            return found.Start;
        }

        private void Lock(short kind, long start, long length)
        {
            var range = new Libc.RangeLock { Kind = kind, Start = start, Length = length };
            Libc.fcntl(segment.Number, Libc.F_OFD_SETLK, &range);
        }

        private Libc.RangeLock Find(long start, long length)
        {
            var range = new Libc.RangeLock { Kind = Libc.F_WRLCK, Start = start, Length = length };
            var known = Libc.fcntl(segment.Number, Libc.F_OFD_GETLK, &range) == 0;
            return known && range.Kind != Libc.F_UNLCK ? range : default(Libc.RangeLock);
        }
    }
}
