using System;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>What is known of the writer.</summary>
    public enum WriterState
    {
        /// <summary>None has come yet.</summary>
        Absent,

        /// <summary>One is connected.</summary>
        Alive,

        /// <summary>It has left by itself.</summary>
        Closed,

        /// <summary>Its process has ended without a word.</summary>
        Died,
    }

    /// <summary>Creates a buffer and reads the frames that one writer puts into it.</summary>
    public sealed unsafe class Reader : IDisposable
    {
        private const int Spins = 200;

        private readonly object turn = new object();
        private readonly object leasing = new object();
        private readonly Leases leases = new Leases();
        private readonly Peer writer = new Peer();
        private readonly Ownership ownership;
        private readonly Segment segment;
        private readonly Ring ring;
        private readonly Succession succession;
        private int isClosed;

        // Below: changed only by who has the turn.

        private bool writerSeen;

        // Whether what this writer may leave half-done has not been looked for yet.
        private bool isUnsettled = true;

        /// <summary>Creates a buffer; what a dead reader left under the name is replaced.</summary>
        /// <param name="name">Of the buffer.</param>
        /// <param name="config">Its sizes and access rights.</param>
        public Reader(string name, BufferConfig config = null)
        {
            if (!Libc.Is64Bit)
            {
                throw new PlatformNotSupportedException("shared fields have 8 bytes, little-endian");
            }

            ownership = Ownership.Create(new Names(name), config ?? new BufferConfig(), out segment);
            Name = name;
            ring = segment.Ring;
            succession = new Succession(name, segment);
            segment.Presence.EnterReader();
        }

        /// <summary>Name of the buffer.</summary>
        public string Name { get; }

        /// <summary>What is known of the writer now.</summary>
        public WriterState WriterState
        {
            get
            {
                using (Use())
                {
                    var pid = Shared.Load(&ring.Block->WriterPid);
                    if (pid == 0)
                    {
                        return HasMetWriter || WriterHasLeftSomething() ? WriterState.Closed : WriterState.Absent;
                    }

                    using (var peer = new Peer())
                    {
                        var isAlive = peer.Look(pid) == Life.Alive || segment.Presence.Writer(out _) != 0;
                        return isAlive ? WriterState.Alive : WriterState.Died;
                    }
                }
            }
        }

        /// <summary>Whether a read has seen a writer, or what one has left.</summary>
        internal bool HasMetWriter
        {
            get { return Volatile.Read(ref writerSeen); }
        }

        internal Segment Segment
        {
            get { return segment; }
        }

        /// <summary>Waits for the next frame and lends it until it is released.</summary>
        /// <remarks>Every frame that was committed is delivered before the end of its writer is reported.</remarks>
        /// <param name="timeout">How long; <see cref="Timeout.InfiniteTimeSpan"/> while the writer lives.</param>
        /// <param name="cancellation">Ends the wait within milliseconds.</param>
        public Frame Read(TimeSpan timeout, CancellationToken cancellation = default(CancellationToken))
        {
            return TryRead(timeout, cancellation) ?? throw new FrameTimeoutException(Name, timeout.TotalSeconds);
        }

        /// <summary>As <see cref="Read"/>, but returns null when nothing comes in time.</summary>
        public Frame TryRead(TimeSpan timeout, CancellationToken cancellation = default(CancellationToken))
        {
            var deadline = Deadline.After(timeout);
            using (Use())
            {
                if (!Monitor.TryEnter(turn, deadline.LeftInMilliseconds))
                {
                    return null;
                }

                try
                {
                    while (TakesToken(deadline, timeout != TimeSpan.Zero, cancellation))
                    {
                        Points.Pass(Points.ReaderToken);
                        if (Finds(out var found))
                        {
                            return Take(found);
                        }
                    }

                    return null;
                }
                finally
                {
                    Monitor.Exit(turn);
                }
            }
        }

        /// <summary>A copy of the metadata that the writer left.</summary>
        public byte[] GetMetadata()
        {
            using (Use())
            {
                return ring.ReadMetadata();
            }
        }

        /// <summary>
        /// Ends reading: wakes a blocked writer and removes the buffer. Frames that are held stay readable.
        /// </summary>
        public void Close()
        {
            if (Interlocked.Exchange(ref isClosed, 1) != 0)
            {
                return;
            }

            // A blocked call sees the flag within a slice, and gives the turn up.
            lock (turn)
            {
                Shared.Store(&ring.Block->ReaderPid, 0);
                segment.Space.Post();
                segment.Presence.Leave();
                writer.Dispose();
                ownership.Dispose();
            }

            segment.Dispose();
        }

        /// <summary>Another name for <see cref="Close"/>.</summary>
        public void Dispose()
        {
            Close();
        }

        /// <summary>The process that wrote the last frame, if it is still connected since; else 0.</summary>
        internal ulong PresentPid
        {
            get
            {
                lock (turn)
                {
                    return succession.PresentPid;
                }
            }
        }

        internal void GiveBack(Leases.Lease lease)
        {
            lock (leasing)
            {
                lease.IsOver = true;
                Drain();
            }

            segment.Dispose();
        }

        /// <summary>Keeps the segment for the time of a call.</summary>
        private Segment Use()
        {
            if (Volatile.Read(ref isClosed) != 0 || !segment.TryUse())
            {
                throw new BufferClosedException(Name, "reader");
            }

            return segment;
        }

        private void RefuseIfClosed()
        {
            if (Volatile.Read(ref isClosed) != 0)
            {
                throw new BufferClosedException(Name, "reader");
            }
        }

        /// <summary>Waits for a token; false when none comes in time.</summary>
        private bool TakesToken(Deadline deadline, bool maySpin, CancellationToken cancellation)
        {
            RefuseIfClosed();
            var data = segment.Data;
            for (var spin = maySpin ? Spins : 1; spin > 0; spin--)
            {
                if (data.TryTake())
                {
                    return true;
                }
            }

            for (;;)
            {
                RefuseIfClosed();
                cancellation.ThrowIfCancellationRequested();
                var state = LookAtWriter();
                if (state == WriterState.Closed || state == WriterState.Died)
                {
                    // It may have posted between the last try and its end.
                    if (data.TryTake())
                    {
                        return true;
                    }

                    Settle(state);
                    throw new WriterDeadException(Name, state == WriterState.Died ? "died" : "closed", writer.Pid);
                }

                if (deadline.IsOver)
                {
                    return false;
                }

                if (SystemCalls.Named(Name, "wait for data", "semaphore", () => data.Take(deadline.NextLook())))
                {
                    return true;
                }
            }
        }

        /// <summary>Lends a frame, and moves behind it.</summary>
        private Frame Take(Found found)
        {
            var lease = Lease(found);
            segment.TryUse();
            ring.Advance(found);
            return new Frame(this, lease, ring.At(found.DataAt), found.Size, found.Sequence);
        }

        /// <summary>Finds the frame that the token in hand stands for; false if it is surplus.</summary>
        /// <remarks>
        /// No token rests in a reader: whoever makes up for the posts of a dead writer finds every frame either read or
        /// pending. So after an error it goes back, and the next call meets the same.
        /// </remarks>
        private bool Finds(out Found found)
        {
            try
            {
                RefuseIfClosed();
                if (!succession.Takes(ring.ReadPosition(), out found))
                {
                    return false;
                }

                writerSeen = true;
                return true;
            }
            catch (ZeroBufferException)
            {
                segment.Data.Post();
                throw;
            }
        }

        private WriterState LookAtWriter()
        {
            var block = ring.Block;
            var pid = Shared.Load(&block->WriterPid);
            if (pid == 0)
            {
                succession.EndStream();
                writerSeen |= WriterHasLeftSomething();
                return writerSeen ? WriterState.Closed : WriterState.Absent;
            }

            writerSeen = true;
            isUnsettled |= pid != writer.Pid;
            var life = writer.Look(pid);
            if (life == Life.Alive)
            {
                return WriterState.Alive;
            }

            if (segment.Presence.Writer(out _) == 0)
            {
                return WriterState.Died;
            }

            // In another pid namespace it has no number here, but its lock is seen.
            if (life == Life.Unknown)
            {
                return WriterState.Alive;
            }

            // The number of a dead writer has come again, and its new process is a writer, too.
            isUnsettled = true;
            return writer.LookAgain(pid) == Life.Dead ? WriterState.Died : WriterState.Alive;
        }

        private bool WriterHasLeftSomething()
        {
            var block = ring.Block;
            return Shared.Load(&block->PayloadWrittenCount) != 0 || Shared.Load(&block->MetadataWrittenBytes) != 0;
        }

        /// <summary>
        /// Takes back what a dead writer left half-done. Its claim is held meanwhile, so that no new writer starts from
        /// a position that is about to change.
        /// </summary>
        private void Settle(WriterState state)
        {
            if (state != WriterState.Died || !isUnsettled)
            {
                return;
            }

            var block = ring.Block;
            var own = Shared.Load(&block->ReaderPid);
            if (Shared.CompareExchange(&block->WriterPid, own, writer.Pid) != writer.Pid)
            {
                return;
            }

            if (segment.Data.Value == 0)
            {
                lock (leasing)
                {
                    Recovery.RollBack(ring, leases.Held);
                }

                isUnsettled = false;
            }

            Shared.Store(&block->WriterPid, writer.Pid);
        }

        private Leases.Lease Lease(Found found)
        {
            lock (leasing)
            {
                if (found.Wrapped > 0)
                {
                    leases.Pass(found.Wrapped);
                    Drain();
                    Points.Pass(Points.ReaderWrap);
                }

                return leases.Take(Layout.HeaderSize + found.Size);
            }
        }

        private void Drain()
        {
            var bytes = leases.Drain(out var frames);
            if (bytes > 0)
            {
                ring.Free(bytes);
            }

            for (; frames > 0; frames--)
            {
                segment.Space.Post();
                Points.Pass(Points.ReaderSpace);
            }
        }
    }
}
