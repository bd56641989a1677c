namespace ZeroBuffer
{
    /// <summary>
    /// The numbers of frames: they go up by one, and start again at 1 with each connection of a writer.
    /// </summary>
    internal sealed unsafe class SequenceCheck
    {
        private readonly string name;
        private readonly Ring ring;
        private ulong expected = 1;

        // The connection whose frames are read. None once it is gone: then any other begins another stream.
        private Connection noted;

        // The connection when the stream began; none if the stream is older.
        private Connection author;

        public SequenceCheck(string name, Ring ring)
        {
            this.name = name;
            this.ring = ring;
        }

        /// <summary>The process that was connected when the stream began, if it still is; else 0.</summary>
        public ulong AuthorPid
        {
            get { return author.IsSame(new Connection(ring.Block)) ? author.Pid : 0; }
        }

        /// <summary>The connection before the last look that found nothing to read.</summary>
        public Connection Rested { get; set; }

        /// <summary>The writer has left: the next one is another.</summary>
        public void EndStream()
        {
            noted = default(Connection);
        }

        /// <summary>Takes a frame as the next one, or refuses it, where so many bytes were read before it.</summary>
        public void Take(Found found, ulong read)
        {
            var isRestart = found.Sequence == 1;
            var now = isRestart ? new Connection(ring.Block) : default(Connection);
            if (found.Sequence != expected && !(isRestart && (noted.Pid == 0 || !noted.IsSame(now))))
            {
                throw new SequenceException(name, expected, found.Sequence);
            }

            if (isRestart)
            {
                var isOlder = now.IsOurs
                    && unchecked((long)(read - Shared.Load(&ring.Block->Reserved.StreamStart))) < 0;
                author = isOlder ? default(Connection) : now;

                // A foreign writer does not say when it came.
                noted = now.IsOurs || now.IsSame(Rested) ? author : default(Connection);
            }

            expected = unchecked(found.Sequence + 1);
        }
    }
}
