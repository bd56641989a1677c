namespace ZeroBuffer
{
    /// <summary>
    /// Space that a reader has taken and not yet given back. Frames are released in any order; their space returns in
    /// that of the ring. Pure.
    /// </summary>
    internal sealed class Leases
    {
        private Lease first;
        private Lease last;

        /// <summary>Bytes that have not returned.</summary>
        public long Held { get; private set; }

        /// <summary>Takes the space of a frame, until the lease is over.</summary>
        public Lease Take(long bytes)
        {
            return Append(new Lease(bytes, true));
        }

        /// <summary>Takes a tail that was passed on the way: it returns with what was taken before it.</summary>
        public void Pass(long bytes)
        {
            Append(new Lease(bytes, false)).IsOver = true;
        }

        /// <summary>Removes what nothing older holds back: these bytes may return to the writer.</summary>
        public long Drain(out int frames)
        {
            long bytes = 0;
            for (frames = 0; first != null && first.IsOver; first = first.Next)
            {
                bytes += first.Bytes;
                frames += first.IsFrame ? 1 : 0;
            }

            Held -= bytes;
            return bytes;
        }

        private Lease Append(Lease lease)
        {
            if (first == null)
            {
                first = lease;
            }
            else
            {
                last.Next = lease;
            }

            last = lease;
            Held += lease.Bytes;
            return lease;
        }

        internal sealed class Lease
        {
            public Lease(long bytes, bool isFrame)
            {
                Bytes = bytes;
                IsFrame = isFrame;
            }

            public long Bytes { get; }

            public bool IsFrame { get; }

            public bool IsOver { get; set; }

            public Lease Next { get; set; }
        }
    }
}
