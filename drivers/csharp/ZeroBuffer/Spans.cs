#if NETCOREAPP
using System;
using System.Threading;

namespace ZeroBuffer
{
    public sealed unsafe partial class Slot
    {
        /// <summary>The place as a span; it must be shorter than 2^31 bytes.</summary>
        public Span<byte> Span
        {
            get { return new Span<byte>(Pointer, checked((int)Size)); }
        }
    }

    public unsafe partial struct FrameData
    {
        /// <summary>The bytes as a span; they must be fewer than 2^31.</summary>
        public ReadOnlySpan<byte> Span
        {
            get { return new ReadOnlySpan<byte>(frame.Start(), checked((int)frame.Size)); }
        }
    }

    public sealed unsafe partial class Writer
    {
        /// <summary>Copies one frame into the ring, waiting for space if need be; returns its number.</summary>
        public ulong Write(
            ReadOnlySpan<byte> data, TimeSpan timeout, CancellationToken cancellation = default(CancellationToken))
        {
            fixed (byte* start = data)
            {
                return Write(start, data.Length, timeout, cancellation);
            }
        }
    }
}
#endif
