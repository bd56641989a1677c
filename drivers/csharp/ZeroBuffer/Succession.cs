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

        // How many have begun.
        private ulong streams;

        // Tokens that stood for no frame.
        private ulong surplus;

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

        private bool IsAnotherWriter
        {
            get { return !(stream.HasValue && IsNow(stream.Value)); }
        }

        /// <summary>The writer has left: whoever comes is another one.</summary>
        public void EndStream()
        {
            stream = null;
        }

        /// <summary>
        /// Takes the frame that the token in hand stands for, which is still before the reader, as the next one; or
        /// refuses it. False if the token is surplus.
        /// </summary>
        public bool Takes(long position, out Found found)
        {
            found = default(Found);
            if (IsSurplus(position, false))
            {
                return false;
            }

            if (!IsNext(position, out found))
            {
                if (IsSurplus(position, true))
                {
                    return false;
                }

                // With a token too many the first look may have come a moment before its frame.
                found = segment.Ring.Look(position);
            }

            var isRestart = found.Sequence == 1;
            if (found.Sequence != expected && !(isRestart && IsAnotherWriter))
            {
                throw new SequenceException(name, expected, found.Sequence);
            }

            if (isRestart)
            {
                BeginStream(found);
            }

            expected = unchecked(found.Sequence + 1);
            return true;
        }

        /// <summary>
        /// The stream belongs to the writer that is connected now, unless it was written before that one came: then its
        /// count is below where that one began, or yet another stream begins behind it.
        /// </summary>
        private void BeginStream(Found found)
        {
            streams++;
            var ring = segment.Ring;
            var connection = Now(out var first);
            var isOlder = Shared.Load(&ring.Block->PayloadReadCount) < first
                || ring.RestartsAhead(found.Next, segment.Data.Value);
            stream = isOlder || connection.Pid == 0 ? (Connection?)null : connection;
        }

        /// <summary>Whether what stands there is the next frame of this stream.</summary>
        private bool IsNext(long position, out Found found)
        {
            try
            {
                found = segment.Ring.Look(position);
                return found.Sequence == expected;
            }
            catch (ZeroBufferException)
            {
                found = default(Found);
                return false;
            }
        }

        /// <summary>
        /// Whether the token in hand stands for no frame. A writer that takes over from a killed one posts what that
        /// one owed; if this reader stood still between a token and its frame, that is one too many. So each succession
        /// excuses one.
        /// </summary>
        /// <param name="position">Where the reader is.</param>
        /// <param name="isStrange">
        /// What stands there is no next frame. Only then is a writer excused of whom nothing was read yet: what is left
        /// of a frame that was read can look like the next of another stream, but not of its own.
        /// </param>
        private bool IsSurplus(long position, bool isStrange)
        {
            if (streams == 0)
            {
                return false;
            }

            var successions = streams - 1 + (isStrange && IsAnotherWriter ? 1u : 0u);
            if (surplus >= successions || !segment.Ring.IsDrained(position))
            {
                return false;
            }

            surplus++;
            return true;
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
