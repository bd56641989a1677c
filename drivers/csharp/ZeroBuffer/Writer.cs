using System;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>Connects to a buffer and writes frames into it. A buffer has one writer.</summary>
    /// <remarks>One thread writes at a time; another call meanwhile is a <see cref="BusyException"/>.</remarks>
    public sealed unsafe partial class Writer : IDisposable
    {
        // Tokens of "space" pile up while the writer never blocks: they are drained every so many frames.
        private const ulong DrainInterval = 64;
        private const int DrainMost = 1 << 16;
        private const int Spins = 50;

        private readonly object turn = new object();
        private readonly Names names;
        private readonly Segment segment;
        private readonly Commits commits;
        private readonly Peer reader;

        // Below: changed only by the call that has the turn.
        private ulong sequence = 1;
        private Slot held;

        /// <summary>Connects.</summary>
        /// <param name="name">Of the buffer.</param>
        /// <param name="timeout">How long to wait for a buffer that does not exist yet.</param>
        /// <param name="anyOwner">Whether another user may own the buffer, and get what is written.</param>
        public Writer(string name, TimeSpan timeout = default(TimeSpan), bool anyOwner = false)
            : this(name, reader => true, timeout, anyOwner)
        {
        }

        internal Writer(string name, Func<ulong, bool> isWanted, TimeSpan timeout, bool anyOwner)
        {
            Libc.RefuseOtherMachines();
            names = new Names(name);
            commits = Connecting.Connect(names, timeout, isWanted, anyOwner);
            segment = commits.Segment;
            Ring = segment.Ring;
            reader = Connecting.ReaderOf(segment, names);
        }

        /// <summary>Name of the buffer.</summary>
        public string Name
        {
            get { return names.Buffer; }
        }

        /// <summary>Number that the next frame will carry.</summary>
        public ulong NextSequence
        {
            get { return Volatile.Read(ref sequence); }
        }

        internal Ring Ring { get; }

        /// <summary>Copies one frame into the ring, waiting for space if need be; returns its number.</summary>
        public ulong Write(byte[] data, TimeSpan timeout, CancellationToken cancellation = default(CancellationToken))
        {
            return Write(data, 0, data.Length, timeout, cancellation);
        }

        /// <summary>Copies a part of an array into the ring as one frame.</summary>
        public ulong Write(
            byte[] data,
            int offset,
            int count,
            TimeSpan timeout,
            CancellationToken cancellation = default(CancellationToken))
        {
            if (data == null || offset < 0 || count < 0 || count > data.Length - offset)
            {
                throw new ArgumentException("no such part of the array", nameof(data));
            }

            fixed (byte* start = data)
            {
                return Write(start + offset, count, timeout, cancellation);
            }
        }

        /// <summary>Copies one frame from anywhere in memory, such as that of another buffer.</summary>
        public ulong Write(
            byte* data, long size, TimeSpan timeout, CancellationToken cancellation = default(CancellationToken))
        {
            using (Turn())
            {
                var plan = Reserve(size, timeout, cancellation);
                Buffer.MemoryCopy(data, Ring.At(plan.At + Layout.HeaderSize), plan.Size, plan.Size);
                return Publish(plan);
            }
        }

        /// <summary>Lends a place in the ring for one frame of <paramref name="size"/> bytes.</summary>
        public Slot Acquire(long size, TimeSpan timeout, CancellationToken cancellation = default(CancellationToken))
        {
            using (Turn())
            {
                var plan = Reserve(size, timeout, cancellation);
                segment.TryUse();
                held = new Slot(this, plan, Ring.At(plan.At + Layout.HeaderSize), sequence);
                return held;
            }
        }

        /// <summary>Writes the metadata: once, before or after frames.</summary>
        public void SetMetadata(byte[] content)
        {
            using (Turn())
            {
                RefuseIfReaderIsGone();
                Ring.WriteMetadata(content);
            }
        }

        /// <summary>Fails if the reader is gone.</summary>
        public void CheckReader()
        {
            using (segment.Use())
            {
                RefuseIfReaderIsGone();
            }
        }

        /// <summary>Disconnects. The reader still gets every frame that was written, then learns of the end.</summary>
        public void Close()
        {
            if (!segment.TryClose())
            {
                return;
            }

            // A blocked call sees the flag within a slice, and gives the turn up.
            lock (turn)
            {
                held?.Abandon();

                // Nothing is posted: the reader notices by itself.
                Shared.CompareExchange(&Ring.Block->WriterPid, 0, (ulong)Libc.getpid());
                commits.Leave();
                segment.Presence.Leave(Presence.Writer);
            }

            segment.Dispose();
        }

        /// <summary>Another name for <see cref="Close"/>.</summary>
        public void Dispose()
        {
            Close();
        }

        internal ulong Commit(Slot slot, Plan plan)
        {
            lock (turn)
            {
                segment.RefuseIfClosed();
                RefuseIfReaderIsGone();
                GiveUp(slot);
                return Publish(plan);
            }
        }

        internal void GiveUp(Slot slot)
        {
            lock (turn)
            {
                if (ReferenceEquals(held, slot))
                {
                    held = null;
                    segment.Dispose();
                }
            }
        }

        /// <summary>The right to write, until it is disposed of.</summary>
        private WritingTurn Turn()
        {
            var used = segment.Use();
            if (!Monitor.TryEnter(turn))
            {
                used.Dispose();
                throw new BusyException(Name, "another thread is writing");
            }

            if (held != null)
            {
                Monitor.Exit(turn);
                used.Dispose();
                throw new BusyException(Name, "a slot is neither committed nor abandoned");
            }

            return new WritingTurn(this);
        }

        private void RefuseIfReaderIsGone()
        {
            var pid = Shared.Load(&Ring.Block->ReaderPid);
            lock (reader)
            {
                if (pid != 0 && reader.Lives(pid, Ring.ReaderIsOurs))
                {
                    return;
                }
            }

            // It may have closed since: its lock is free then, too.
            throw Shared.Load(&Ring.Block->ReaderPid) == 0
                ? new ReaderDeadException(Name, "closed", 0)
                : new ReaderDeadException(Name, "died", pid);
        }

        /// <summary>Plans a frame and waits until there is space for it.</summary>
        private Plan Reserve(long size, TimeSpan timeout, CancellationToken cancellation)
        {
            RefuseIfReaderIsGone();
            if (sequence % DrainInterval == 0)
            {
                Drain();
            }

            var deadline = default(Deadline);
            for (var attempt = 0; ; attempt++)
            {
                commits.Look(out var position, out var free);
                var plan = PlanAt(position, size);
                if (plan.Need <= free)
                {
                    Points.Pass(Points.WriterPlanned);
                    return plan;
                }

                if (attempt == 0)
                {
                    deadline = Deadline.After(timeout);
                }

                if (attempt < Spins && timeout != TimeSpan.Zero)
                {
                    Thread.SpinWait(10);
                    continue;
                }

                segment.RefuseIfClosed();
                cancellation.ThrowIfCancellationRequested();
                RefuseIfReaderIsGone();
                if (deadline.IsOver)
                {
                    throw new BufferFullException(Name, size, plan.Need, free, timeout.TotalSeconds);
                }

                WaitForSpace(deadline);
            }
        }

        private void WaitForSpace(Deadline deadline)
        {
            var space = segment.Space;
            SystemCalls.Named(Name, "wait for space", "semaphore", () => space.Take(deadline.NextLook()));
        }

        private Plan PlanAt(long position, long size)
        {
            var largest = Ring.Size - Layout.HeaderSize;
            switch (Plan.Make(Ring.Size, position, size, out var plan))
            {
                case Fit.Fits:
                    return plan;
                case Fit.Empty:
                    throw new InvalidFrameSizeException(Name, "frame size", (ulong)Math.Max(0, size), (ulong)largest);
                case Fit.TooLarge:
                    throw new FrameTooLargeException(Name, size, largest, Plan.AlwaysFits(Ring.Size));
                default:
                    throw new FrameUnwritableException(
                        Name, size, Plan.FitsAt(Ring.Size, position), Plan.AlwaysFits(Ring.Size));
            }
        }

        private ulong Publish(Plan plan)
        {
            Points.Pass(Points.WriterData);
            segment.RefuseIfClosed();
            var number = sequence;
            sequence = unchecked(number + 1);
            commits.Publish(plan, number);
            segment.Data.Post();
            Points.Pass(Points.WriterPost);
            Points.Pass(Points.WriterDone);
            return number;
        }

        private void Drain()
        {
            for (var tokens = 0; tokens < DrainMost && segment.Space.TryTake(); tokens++)
            {
            }
        }

        private struct WritingTurn : IDisposable
        {
            private readonly Writer writer;

            public WritingTurn(Writer writer)
            {
                this.writer = writer;
            }

            public void Dispose()
            {
                Monitor.Exit(writer.turn);
                writer.segment.Dispose();
            }
        }
    }
}
