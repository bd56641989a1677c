using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>A frame in the ring. Its space returns to the writer when it is released.</summary>
    /// <remarks>
    /// It is not copied: its bytes stand in memory that is mapped without the right to write, and stay there when the
    /// reader is closed meanwhile. One thread uses a frame at a time.
    /// </remarks>
    public sealed unsafe class Frame : IDisposable
    {
        private readonly Reader reader;
        private readonly byte* data;

        // None once it is released.
        private Leases.Lease lease;

        internal Frame(Reader reader, Leases.Lease lease, byte* data, long size, ulong sequence)
        {
            this.reader = reader;
            this.lease = lease;
            this.data = data;
            Size = size;
            Sequence = sequence;
        }

        /// <summary>Bytes of data.</summary>
        public long Size { get; }

        /// <summary>Its number, from 1 for each connection of a writer.</summary>
        public ulong Sequence { get; }

        /// <summary>The bytes, where they stand.</summary>
        public FrameData Data
        {
            get
            {
                Refuse();
                return new FrameData(this);
            }
        }

        /// <summary>Gives the space back; once.</summary>
        public void Release()
        {
            var own = Interlocked.Exchange(ref lease, null);
            if (own != null)
            {
                reader.GiveBack(own);
            }
        }

        /// <summary>Another name for <see cref="Release"/>.</summary>
        public void Dispose()
        {
            Release();
        }

        internal byte* Start()
        {
            Refuse();
            return data;
        }

        private void Refuse()
        {
            if (Volatile.Read(ref lease) == null)
            {
                throw new FrameReleasedException(reader.Name, Sequence);
            }
        }
    }

    /// <summary>The bytes of a frame, read-only and in place; usable until the frame is released.</summary>
    public unsafe partial struct FrameData
    {
        private readonly Frame frame;

        internal FrameData(Frame frame)
        {
            this.frame = frame;
        }

        /// <summary>How many bytes.</summary>
        public long Length
        {
            get { return frame.Size; }
        }

        /// <summary>One byte.</summary>
        public byte this[long index]
        {
            get
            {
                if (index < 0 || index >= frame.Size)
                {
                    throw new ArgumentOutOfRangeException(nameof(index), index, $"the frame has {frame.Size} bytes");
                }

                return frame.Start()[index];
            }
        }

        /// <summary>Where the bytes begin. Valid until the release, which does not know of this pointer.</summary>
        public byte* Pointer
        {
            get { return frame.Start(); }
        }

        /// <summary>Copies a part into an array.</summary>
        public void CopyTo(long from, byte[] target, int offset, int count)
        {
            if (from < 0 || count < 0 || count > frame.Size - from)
            {
                throw new ArgumentOutOfRangeException(nameof(count), count, $"the frame has {frame.Size} bytes");
            }

            Marshal.Copy((IntPtr)(frame.Start() + from), target, offset, count);
        }

        /// <summary>A copy of all bytes.</summary>
        public byte[] ToArray()
        {
            var copy = new byte[frame.Size];
            CopyTo(0, copy, 0, copy.Length);
            return copy;
        }

        /// <summary>A stream over the bytes, read-only. Valid until the release, which does not know of it.</summary>
        public UnmanagedMemoryStream OpenStream()
        {
            return new UnmanagedMemoryStream(frame.Start(), frame.Size, frame.Size, FileAccess.Read);
        }
    }
}
