namespace ZeroBuffer
{
    /// <summary>
    /// The numbers of frames: they go up by one, and start again at 1 with each connection of a writer.
    /// </summary>
    internal sealed unsafe class Succession
    {
        private readonly string name;
        private readonly Segment segment;
        private ulong expected = 1;

        // Whose frames these are; none once it is gone: then any other begins another stream.
        private Connection? stream;

        public Succession(string name, Segment segment)
        {
            this.name = name;
            this.segment = segment;
        }

        /// <summary>The process that wrote the last frame, if it is still connected since; else 0.</summary>
        public ulong PresentPid
        {
            get { return stream.HasValue && IsNow(stream.Value) ? stream.Value.Pid : 0; }
        }

        /// <summary>The writer has left: whoever comes is another one.</summary>
        public void EndStream()
        {
            stream = null;
        }

        /// <summary>Takes a frame, which is still before the reader, as the next one; or refuses it.</summary>
        public void Take(Found found)
        {
            var isRestart = found.Sequence == 1;
            if (found.Sequence != expected && !(isRestart && !(stream.HasValue && IsNow(stream.Value))))
            {
                throw new SequenceException(name, expected, found.Sequence);
            }

            if (isRestart)
            {
                BeginStream(found);
            }

            expected = unchecked(found.Sequence + 1);
        }

        /// <summary>
        /// The stream belongs to the writer that is connected now, unless it was written before that one came: then its
        /// count is below where that one began, or yet another stream begins behind it.
        /// </summary>
        private void BeginStream(Found found)
        {
            var ring = segment.Ring;
            var connection = Now(out var first);
            var isOlder = Shared.Load(&ring.Block->PayloadReadCount) < first
                || ring.RestartsAhead(found.Next, segment.Data.Value);
            stream = isOlder || connection.Pid == 0 ? (Connection?)null : connection;
        }

        private bool IsNow(Connection connection)
        {
            var now = Now(out _);
            return now.Pid == connection.Pid && now.Place == connection.Place;
        }

        private Connection Now(out ulong first)
        {
            return new Connection(Shared.Load(&segment.Ring.Block->WriterPid), segment.Presence.Writer(out first));
        }

        /// <summary>A writer's process and the place of its lock; see <see cref="Presence"/>.</summary>
        private struct Connection
        {
            public readonly ulong Pid;
            public readonly long Place;

            public Connection(ulong pid, long place)
            {
                Pid = pid;
                Place = place;
            }
        }
    }
}
