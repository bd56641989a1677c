using System;
using System.IO;
using System.Runtime.InteropServices;

namespace ZeroBuffer
{
    /// <summary>
    /// A place in the ring to write a frame into. Disposed of without a commit, it was never asked for.
    /// </summary>
    public sealed unsafe partial class Slot : IDisposable
    {
        private readonly Writer writer;
        private readonly Plan plan;
        private readonly byte* data;
        private bool isOver;

        internal Slot(Writer writer, Plan plan, byte* data, ulong sequence)
        {
            this.writer = writer;
            this.plan = plan;
            this.data = data;
            Sequence = sequence;
        }

        /// <summary>Bytes of the frame.</summary>
        public long Size
        {
            get { return plan.Size; }
        }

        /// <summary>Number that the frame will carry.</summary>
        public ulong Sequence { get; }

        /// <summary>
        /// Where the frame begins. Valid until the end of the slot, which does not know of this pointer.
        /// </summary>
        public byte* Pointer
        {
            get
            {
                Refuse();
                return data;
            }
        }

        /// <summary>Writes bytes into the frame.</summary>
        public void Put(long at, byte[] source, int offset, int count)
        {
            Refuse();
            if (at < 0 || count < 0 || count > Size - at)
            {
                throw new ArgumentOutOfRangeException(nameof(count), count, $"the slot has {Size} bytes");
            }

            Marshal.Copy(source, offset, (IntPtr)(data + at), count);
        }

        /// <summary>A stream over the place. Valid until the end of the slot, which does not know of it.</summary>
        public UnmanagedMemoryStream OpenStream()
        {
            Refuse();
            return new UnmanagedMemoryStream(data, Size, Size, FileAccess.ReadWrite);
        }

        /// <summary>Makes the frame part of the ring; returns its number.</summary>
        public ulong Commit()
        {
            Refuse();
            isOver = true;
            try
            {
                return writer.Commit(this, plan);
            }
            finally
            {
                writer.GiveUp(this);
            }
        }

        /// <summary>Gives the place up: nothing is written, and no hole stays.</summary>
        public void Abandon()
        {
            if (!isOver)
            {
                isOver = true;
                writer.GiveUp(this);
            }
        }

        /// <summary>Another name for <see cref="Abandon"/>.</summary>
        public void Dispose()
        {
            Abandon();
        }

        private void Refuse()
        {
            if (isOver)
            {
                throw new BufferClosedException(writer.Name, "slot");
            }
        }
    }
}
