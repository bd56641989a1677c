using System;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>
    /// The mapped memory and the semaphores of one side. Counted: they stay until the last call, frame or slot that
    /// uses them has ended, whenever that side is closed.
    /// </summary>
    internal sealed unsafe class Segment : IDisposable
    {
        private readonly string name;
        private readonly string side;
        private readonly FileDescriptor file;
        private Mapping control;
        private Mapping frames;
        private int uses = 1;
        private int isClosed;

        private Segment(string name, string side, FileDescriptor file)
        {
            this.name = name;
            this.side = side;
            this.file = file;
            Presence = new Presence(file);
        }

        public Ring Ring { get; private set; }

        public Presence Presence { get; }

        /// <summary>Whether it still is the buffer of its name, or of any.</summary>
        public bool HasName
        {
            get { return SystemCalls.FactsOf(file).Links != 0; }
        }

        /// <summary>One token for each frame that was written.</summary>
        public NamedSemaphore Data { get; private set; }

        /// <summary>One token for each frame that was released.</summary>
        public NamedSemaphore Space { get; private set; }

        /// <summary>Takes a file over, unless it fails, and opens the semaphores: data (true), then space.</summary>
        /// <remarks>A reader's frames are not writable, not even by a wild pointer.</remarks>
        public static Segment Map(
            string name, FileDescriptor file, long length, bool writable, Func<bool, NamedSemaphore> open)
        {
            var segment = new Segment(name, writable ? "writer" : "reader", file);
            try
            {
                segment.frames = new Mapping(file, length, writable);
                segment.control = writable ? segment.frames : new Mapping(file, Layout.OiebSize, true);
                segment.Ring = new Ring(name, segment.control.Start, segment.frames.Start, length);
                segment.Data = open(true);
                segment.Space = open(false);
                return segment;
            }
            catch
            {
                segment.Unmap();
                throw;
            }
        }

        /// <summary>Keeps the segment for a call, until <see cref="Dispose"/>; refuses if the side is closed.</summary>
        public Segment Use()
        {
            RefuseIfClosed();
            return TryUse() ? this : throw new BufferClosedException(name, side);
        }

        public void RefuseIfClosed()
        {
            if (Volatile.Read(ref isClosed) != 0)
            {
                throw new BufferClosedException(name, side);
            }
        }

        /// <summary>Closes the side; false if it was closed already. Uses of the segment go on to their end.</summary>
        public bool TryClose()
        {
            return Interlocked.Exchange(ref isClosed, 1) == 0;
        }

        /// <summary>Keeps the segment until <see cref="Dispose"/>; false when it is gone already.</summary>
        public bool TryUse()
        {
            for (;;)
            {
                var seen = Volatile.Read(ref uses);
                if (seen == 0)
                {
                    return false;
                }

                if (Interlocked.CompareExchange(ref uses, seen + 1, seen) == seen)
                {
                    return true;
                }
            }
        }

        /// <summary>Ends one use.</summary>
        public void Dispose()
        {
            if (Interlocked.Decrement(ref uses) == 0)
            {
                Unmap();
                file.Dispose();
            }
        }

        private void Unmap()
        {
            frames?.Dispose();
            control?.Dispose();
            Data?.Dispose();
            Space?.Dispose();
        }
    }
}
