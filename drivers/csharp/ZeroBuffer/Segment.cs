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
        private readonly FileDescriptor file;
        private readonly Mapping control;
        private readonly Mapping frames;
        private int uses = 1;

        private Segment(
            FileDescriptor file, Mapping control, Mapping frames, Ring ring, NamedSemaphore data, NamedSemaphore space)
        {
            this.file = file;
            this.control = control;
            this.frames = frames;
            Data = data;
            Space = space;
            Ring = ring;
            Presence = new Presence(file);
        }

        public Ring Ring { get; }

        public Presence Presence { get; }

        /// <summary>Whether it still is the buffer of its name, or of any.</summary>
        public bool HasName
        {
            get { return SystemCalls.FactsOf(file).Links != 0; }
        }

        /// <summary>One token for each frame that was written.</summary>
        public NamedSemaphore Data { get; }

        /// <summary>One token for each frame that was released.</summary>
        public NamedSemaphore Space { get; }

        /// <summary>Takes over the descriptor and the semaphores, also when it fails.</summary>
        /// <param name="name">Of the buffer.</param>
        /// <param name="file">The segment.</param>
        /// <param name="length">Its true length.</param>
        /// <param name="writable">Whether frames may be written; a reader's cannot, not even by a wild pointer.</param>
        /// <param name="open">Opens a semaphore: "data", then "space".</param>
        public static Segment Map(
            string name, FileDescriptor file, long length, bool writable, Func<bool, NamedSemaphore> open)
        {
            var parts = new IDisposable[] { file, null, null, null, null };
            try
            {
                var frames = new Mapping(file, length, writable);
                parts[1] = frames;
                var control = writable ? frames : new Mapping(file, Layout.OiebSize, true);
                parts[2] = control;
                var ring = new Ring(name, control.Start, frames.Start, length);
                var data = open(true);
                parts[3] = data;
                var space = open(false);
                parts[4] = space;
                return new Segment(file, control, frames, ring, data, space);
            }
            catch
            {
                Array.ForEach(parts, part => part?.Dispose());
                throw;
            }
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
                frames.Dispose();
                control.Dispose();
                Data.Dispose();
                Space.Dispose();
                file.Dispose();
            }
        }
    }
}
