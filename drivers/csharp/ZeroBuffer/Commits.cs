namespace ZeroBuffer
{
    /// <summary>Where a writer stands, and the commit of its frames.</summary>
    /// <remarks>
    /// One store of one word commits: the bytes ever committed, tails included. A writer is plain for a foreign
    /// reader, or where another program has written to the control block. It works as the protocol says: the shared
    /// position and free bytes are the truth, and the word stays as it is.
    /// </remarks>
    internal sealed unsafe class Commits
    {
        private readonly Ring ring;
        private readonly ControlBlock* block;
        private readonly ulong last;

        // 0: plain.
        private ulong committed;

        /// <summary>Announces a connection, after so many bytes ever committed; 0 if that cannot be told.</summary>
        public Commits(Segment segment, ulong committed)
        {
            Segment = segment;
            ring = segment.Ring;
            this.committed = committed;
            block = ring.Block;
            last = new Connection(block).Number;
            if (committed == 0)
            {
                Leave(last + 1);
                return;
            }

            Shared.Store(&block->Reserved.Committed, committed);
            Shared.Store(&block->Reserved.StreamStart, committed);
            Shared.Store(&block->Reserved.Connection, Connection.Word(last + 1, (ulong)Libc.getpid()));
        }

        public Segment Segment { get; }

        /// <summary>Where the next frame goes, and how much is free.</summary>
        public void Look(out long position, out long free)
        {
            position = ring.WritePosition();
            free = ring.FreeBytes();
            if (committed != 0 && (ulong)position != committed % (ulong)ring.Size)
            {
                committed = 0;
                Leave();
            }

            if (committed != 0)
            {
                var released = Shared.Load(&block->Reserved.Released) & ~Ring.Releasing;
                var used = unchecked(committed - released);
                free = used <= (ulong)ring.Size
                    ? ring.Size - (long)used
                    : throw ring.Invalid("released", released, (long)committed);
            }
        }

        /// <summary>Makes a frame whose data stands in its place part of the ring. The caller then posts.</summary>
        public void Publish(Plan plan, ulong sequence)
        {
            *(FrameHeader*)ring.At(plan.At) = new FrameHeader { Size = (ulong)plan.Size, Sequence = sequence };
            if (plan.HasMarker)
            {
                *(FrameHeader*)ring.At(plan.From) = default(FrameHeader);
            }

            Points.Pass(Points.WriterHeader);
            Points.Pass(Points.WriterIntent);
            Shared.FetchAdd(&block->PayloadFreeBytes, -plan.Need);
            Points.Pass(Points.WriterFree);
            Shared.Store(&block->PayloadWritePos, (ulong)plan.End(ring.Size));
            Points.Pass(Points.WriterPosition);
            var count = Shared.Load(&block->PayloadWrittenCount);
            Shared.Store(&block->PayloadWrittenCount, unchecked(count + (plan.HasMarker ? 2u : 1u)));
            Points.Pass(Points.WriterCount);
            if (committed != 0)
            {
                committed = unchecked(committed + (ulong)plan.Need);
                Shared.Store(&block->Reserved.Committed, committed);
            }

            Points.Pass(Points.WriterCommit);
        }

        /// <summary>Has the word no longer name this writer; of a foreign reader it stays as it is.</summary>
        public void Leave()
        {
            Leave(new Connection(block).Number);
        }

        /// <summary>Takes back what was announced: the writer that was faster keeps its number.</summary>
        public void Withdraw()
        {
            Leave(last);
        }

        private void Leave(ulong number)
        {
            if (ring.ReaderIsOurs)
            {
                Shared.Store(&block->Reserved.Connection, Connection.Word(number, 0));
            }
        }
    }
}
