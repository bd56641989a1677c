using System;

namespace ZeroBuffer
{
    /// <summary>How a reader creates its buffer.</summary>
    public sealed class BufferConfig
    {
        private const long Most = 1L << 61;
        private const uint OwnerMode = 0x180; // 0600

        /// <summary>Creates a configuration.</summary>
        /// <param name="metadataSize">Bytes of the metadata block, of which 8 hold the length; 0 means none.</param>
        /// <param name="payloadSize">Bytes of the ring. Twice the largest frame and its header always serves.</param>
        /// <param name="mode">Access rights of all objects, set exactly; the umask plays no part.</param>
        public BufferConfig(long metadataSize = 1024, long payloadSize = 10240, uint mode = OwnerMode)
        {
            if (metadataSize < 0 || metadataSize > Most)
            {
                throw new ArgumentOutOfRangeException(nameof(metadataSize), metadataSize, "must be 0 to 2^61 bytes");
            }

            if (payloadSize < 1 || payloadSize > Most)
            {
                throw new ArgumentOutOfRangeException(nameof(payloadSize), payloadSize, "must be 1 to 2^61 bytes");
            }

            // 0600 must stand there, 0066 may.
            if ((mode | 0x36) != 0x1b6)
            {
                throw new ArgumentOutOfRangeException(nameof(mode), mode, "must hold 0600 and nothing beyond 0666");
            }

            MetadataSize = Layout.Align(metadataSize);
            PayloadSize = Layout.Align(payloadSize);
            Mode = mode;
        }

        /// <summary>Bytes of the metadata block, rounded up to the alignment of the protocol.</summary>
        public long MetadataSize { get; }

        /// <summary>Bytes of the ring, rounded up to the alignment of the protocol.</summary>
        public long PayloadSize { get; }

        /// <summary>Access rights of segment, semaphores and lock file.</summary>
        public uint Mode { get; }

        /// <summary>Bytes of the whole segment.</summary>
        public long SegmentSize
        {
            get { return Layout.OiebSize + MetadataSize + PayloadSize; }
        }
    }
}
