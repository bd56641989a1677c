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
        private readonly Ownership ownership;
        private readonly Ring ring;
        private readonly SequenceCheck sequence;
        private readonly Intake intake;
        private readonly Peer writer;

        // Below: changed only by the call that has the turn.

        private bool writerSeen;

        // The dead connection after which all was set straight.
        private Connection settled;

        // Bytes ever released; changed only under the lock of leases.
        private ulong released;

        /// <summary>Creates a buffer; what a dead reader left under the name is replaced.</summary>
        /// <param name="name">Of the buffer.</param>
        /// <param name="config">Its sizes and access rights.</param>
        public Reader(string name, BufferConfig config = null)
        {
            Libc.RefuseOtherMachines();
            ownership = new Ownership(new Names(name), config ?? new BufferConfig());
            Segment = ownership.Segment;
            Name = name;
            ring = Segment.Ring;
            released = (ulong)ring.Size;
            sequence = new SequenceCheck(name, ring);
            intake = new Intake(ring, Segment.Data);
            writer = NewPeer();
        }

        /// <summary>Name of the buffer.</summary>
        public string Name { get; }

        /// <summary>What is known of the writer now.</summary>
        public WriterState WriterState
        {
            get
            {
                using (Segment.Use())
                {
                    return Look(NewPeer(), out _);
                }
            }
        }

        /// <summary>Whether a read has seen a writer, or what one has left.</summary>
        internal bool HasMetWriter
        {
            get { return Volatile.Read(ref writerSeen); }
        }

        internal Segment Segment { get; }

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
            using (Segment.Use())
            {
                if (!Monitor.TryEnter(turn, deadline.LeftInMilliseconds))
                {
                    return null;
                }

                try
                {
                    return Finds(deadline, timeout != TimeSpan.Zero, cancellation) ? Take() : null;
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
            using (Segment.Use())
            {
                return ring.ReadMetadata();
            }
        }

        /// <summary>
        /// Ends reading: wakes a blocked writer and removes the buffer. Frames that are held stay readable.
        /// </summary>
        public void Close()
        {
            if (!Segment.TryClose())
            {
                return;
            }

            // A blocked call sees the flag within a slice, and gives the turn up.
            lock (turn)
            {
                Shared.Store(&ring.Block->ReaderPid, 0);
                Segment.Space.Post();
                ownership.Dispose();
                Segment.Presence.Leave(Presence.Reader);
            }

            Segment.Dispose();
        }

        /// <summary>Another name for <see cref="Close"/>.</summary>
        public void Dispose()
        {
            Close();
        }

        /// <summary>For the thread that reads: see <see cref="SequenceCheck.AuthorPid"/>.</summary>
        internal ulong AuthorPid
        {
            get { return sequence.AuthorPid; }
        }

        internal void GiveBack(Leases.Lease lease)
        {
            lock (leasing)
            {
                lease.IsOver = true;
                Drain();
            }

            Segment.Dispose();
        }

        private Peer NewPeer()
        {
            return new Peer(Segment.Presence, Presence.Writer, life => life == Life.Alive);
        }

        /// <summary>Waits for a frame; false when none comes in time.</summary>
        private bool Finds(Deadline deadline, bool maySpin, CancellationToken cancellation)
        {
            Segment.RefuseIfClosed();
            for (var spin = maySpin ? Spins : 1; spin > 0; spin--)
            {
                if (intake.Finds())
                {
                    return true;
                }
            }

            for (;;)
            {
                Segment.RefuseIfClosed();
                cancellation.ThrowIfCancellationRequested();
                var before = new Connection(ring.Block);
                if (intake.FindsAny())
                {
                    return true;
                }

                sequence.Rested = before;
                var state = Look(writer, out var connection);
                writerSeen |= state != WriterState.Absent;
                if (state != WriterState.Alive)
                {
                    sequence.EndStream();
                }

                if (state == WriterState.Closed || state == WriterState.Died)
                {
                    // It may have written between the last look and its end.
                    if (intake.FindsAny() || (state == WriterState.Died && !IsSettled(connection)))
                    {
                        return true;
                    }

                    intake.ExpectNoPost();
                    throw new WriterDeadException(
                        Name, state == WriterState.Died ? "died" : "closed", writer.Pid);
                }

                if (deadline.IsOver)
                {
                    return false;
                }

                var until = deadline.NextLook();
                if (SystemCalls.Named(Name, "wait for data", "semaphore", () => intake.FindsAsleep(until)))
                {
                    return true;
                }
            }
        }

        /// <summary>Lends the frame that was found, and moves behind it.</summary>
        private Frame Take()
        {
            Points.Pass(Points.ReaderToken);
            Found found;
            try
            {
                Segment.RefuseIfClosed();
                found = ring.Look(ring.ReadPosition());
                sequence.Take(found, intake.Read);
            }
            catch (ZeroBufferException)
            {
                intake.Refuse();
                throw;
            }

            writerSeen = true;
            var lease = Lease(found);
            Segment.TryUse();
            ring.Advance(found);
            intake.Pass(found);
            return new Frame(this, lease, ring.At(found.DataAt), found.Size, found.Sequence);
        }

        private WriterState Look(Peer peer, out Connection connection)
        {
            for (;;)
            {
                connection = new Connection(ring.Block);
                if (connection.Pid == 0)
                {
                    var block = ring.Block;
                    var hasLeft = HasMetWriter || Shared.Load(&block->PayloadWrittenCount) != 0
                        || Shared.Load(&block->MetadataWrittenBytes) != 0;
                    return hasLeft ? WriterState.Closed : WriterState.Absent;
                }

                if (peer.Lives(connection.Pid, connection.IsOurs))
                {
                    return WriterState.Alive;
                }

                // The one that has no lock may have left, and another may have come, since the first look.
                if (connection.Equals(new Connection(ring.Block)))
                {
                    return WriterState.Died;
                }
            }
        }

        /// <summary>
        /// Sets straight, once, what a dead writer left; false if there is a frame after all. Meanwhile our number and
        /// the writer's lock keep any other from coming.
        /// </summary>
        private bool IsSettled(Connection dead)
        {
            var block = ring.Block;
            var own = (ulong)Libc.getpid();
            if (dead.Equals(settled))
            {
                return true;
            }

            Points.Pass(Points.ReaderDeath);
            if (Shared.CompareExchange(&block->WriterPid, own, dead.Pid) != dead.Pid)
            {
                return true;
            }

            try
            {
                if (!Segment.Presence.TryHold(Presence.Writer))
                {
                    return true;
                }

                if (intake.FindsAny())
                {
                    return false;
                }

                lock (leasing)
                {
                    intake.Settle(leases.Held);
                }

                settled = dead;
                return true;
            }
            finally
            {
                Segment.Presence.Leave(Presence.Writer);
                Shared.CompareExchange(&block->WriterPid, dead.Pid, own);
            }
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
            ring.Free(released, bytes);
            released = unchecked(released + (ulong)bytes);
            for (; frames > 0; frames--)
            {
                Segment.Space.Post();
                Points.Pass(Points.ReaderSpace);
            }
        }
    }
}
