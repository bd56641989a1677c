using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>A frame that stands in the ring.</summary>
    internal struct Found
    {
        /// <summary>Where its data stands in the payload.</summary>
        public long DataAt;

        public long Size;
        public ulong Sequence;

        /// <summary>Bytes of tail that were passed on the way.</summary>
        public long Wrapped;

        /// <summary>By how much the count of what was read goes up.</summary>
        public ulong Counted;

        public long Next;

        /// <summary>All that the reader passes: tail, header and data.</summary>
        public long Bytes
        {
            get { return Wrapped + Layout.HeaderSize + Size; }
        }
    }

    /// <summary>The ring over a mapped segment: no waiting, no call of the system.</summary>
    /// <remarks>
    /// Nothing in shared memory is trusted: every value is loaded once, checked, and only then used. The sizes are
    /// taken once.
    /// </remarks>
    internal sealed unsafe class Ring
    {
        /// <summary>In the count of released bytes: a release is under way.</summary>
        public const ulong Releasing = 1UL << 63;

        private readonly string name;
        private readonly byte* metadata;
        private readonly byte* payload;

        /// <summary>Checks a control block that another program may have written.</summary>
        /// <param name="name">Of the buffer.</param>
        /// <param name="control">The beginning of the segment, writable.</param>
        /// <param name="frames">The same, as frames are to be reached.</param>
        /// <param name="length">True length of the segment.</param>
        public Ring(string name, byte* control, byte* frames, long length)
        {
            this.name = name;
            Block = (ControlBlock*)control;
            var oiebSize = Volatile.Read(ref Block->OiebSize);
            if (oiebSize != (uint)Layout.OiebSize)
            {
                throw Invalid("oieb_size", oiebSize, Layout.OiebSize);
            }

            var major = Volatile.Read(ref Block->Version.Major);
            if (major != Layout.VersionMajor)
            {
                throw new VersionMismatchException(name, major, Layout.VersionMajor);
            }

            var room = length - Layout.OiebSize;
            var metadataSize = Shared.Load(&Block->MetadataSize);
            if (metadataSize > (ulong)room || metadataSize % (ulong)Layout.BlockAlignment != 0)
            {
                throw Invalid("metadata_size", metadataSize, room);
            }

            MetadataSize = (long)metadataSize;
            room -= MetadataSize;
            var payloadSize = Shared.Load(&Block->PayloadSize);
            if (payloadSize == 0 || payloadSize != (ulong)room || payloadSize % (ulong)Layout.BlockAlignment != 0)
            {
                throw Invalid("payload_size", payloadSize, room);
            }

            Size = room;
            metadata = frames + Layout.OiebSize;
            payload = metadata + MetadataSize;
            WritePosition();
            ReadPosition();
        }

        public ControlBlock* Block { get; }

        public long Size { get; }

        public long MetadataSize { get; }

        /// <summary>Whether the reader is one of this project.</summary>
        public bool ReaderIsOurs
        {
            get { return Shared.Load(&Block->Reserved.Released) != 0; }
        }

        /// <summary>Writes a fresh control block into memory that is all zero.</summary>
        public static void Format(byte* control, BufferConfig config, ulong readerPid)
        {
            var block = (ControlBlock*)control;

            // First, and at once: a creation that is broken off is known by them.
            Shared.Store((ulong*)control, (ulong)Layout.OiebSize | ((ulong)Layout.VersionMajor << 32));
            Shared.Store(&block->MetadataSize, (ulong)config.MetadataSize);
            Shared.Store(&block->MetadataFreeBytes, (ulong)config.MetadataSize);
            Shared.Store(&block->PayloadSize, (ulong)config.PayloadSize);
            Shared.Store(&block->PayloadFreeBytes, (ulong)config.PayloadSize);
            Shared.Store(&block->Reserved.Committed, (ulong)config.PayloadSize);
            Shared.Store(&block->Reserved.Released, (ulong)config.PayloadSize);

            // Last: it is what makes the buffer exist.
            Points.Pass(Points.ReaderFormatted);
            Shared.Store(&block->ReaderPid, readerPid);
        }

        public byte* At(long position)
        {
            return payload + position;
        }

        public long ReadPosition()
        {
            return Position("payload_read_pos", &Block->PayloadReadPos);
        }

        public long WritePosition()
        {
            return Position("payload_write_pos", &Block->PayloadWritePos);
        }

        /// <summary>What is free, as the protocol counts it.</summary>
        public long FreeBytes()
        {
            var value = Shared.Load(&Block->PayloadFreeBytes);
            return value <= (ulong)Size ? (long)value : throw Invalid("payload_free_bytes", value, Size);
        }

        public void WriteMetadata(byte[] content)
        {
            if (content.Length == 0)
            {
                throw new MetadataEmptyException(name);
            }

            var limit = MetadataSize > Layout.MetadataPrefix ? MetadataSize - Layout.MetadataPrefix : 0;
            if (content.Length > limit)
            {
                throw new MetadataTooLargeException(name, content.Length, limit);
            }

            if (Shared.Load(&Block->MetadataWrittenBytes) != 0)
            {
                throw new MetadataExistsException(name);
            }

            Marshal.Copy(content, 0, (IntPtr)(metadata + Layout.MetadataPrefix), content.Length);
            *(ulong*)metadata = (ulong)content.Length;
            Points.Pass(Points.WriterMetadata);
            var written = Layout.MetadataPrefix + content.Length;
            Shared.Store(&Block->MetadataFreeBytes, (ulong)(MetadataSize - written));

            // Released last: a reader that sees a length sees the content.
            Shared.Store(&Block->MetadataWrittenBytes, (ulong)written);
        }

        /// <summary>Finds the next frame from a position; changes nothing.</summary>
        public Found Look(long position)
        {
            var found = new Found { Counted = 1 };
            for (;;)
            {
                var tail = Size - position;
                var header = tail < Layout.HeaderSize ? default(FrameHeader) : *(FrameHeader*)At(position);

                // At the start there is neither a tail nor a marker, so that this ends.
                if (header.IsWrapMarker && position > 0)
                {
                    found.Wrapped = tail;
                    found.Counted += tail < Layout.HeaderSize ? 0u : 1u;
                    position = 0;
                    continue;
                }

                var limit = tail - Layout.HeaderSize;
                if (header.Size == 0 || header.Size > (ulong)limit)
                {
                    throw new InvalidFrameSizeException(name, "frame header", header.Size, (ulong)limit);
                }

                found.DataAt = position + Layout.HeaderSize;
                found.Size = (long)header.Size;
                found.Sequence = header.Sequence;
                found.Next = (found.DataAt + found.Size) % Size;
                return found;
            }
        }

        /// <summary>Moves the reader behind a frame.</summary>
        public void Advance(Found found)
        {
            Shared.Store(&Block->PayloadReadPos, (ulong)found.Next);
            Points.Pass(Points.ReaderPosition);
            var count = Shared.Load(&Block->PayloadReadCount);
            Shared.Store(&Block->PayloadReadCount, unchecked(count + found.Counted));
            Points.Pass(Points.ReaderCount);
        }

        /// <summary>Gives bytes back, after those already released. Our last look at them comes before.</summary>
        public void Free(ulong released, long bytes)
        {
            Shared.Store(&Block->Reserved.Released, released | Releasing);
            Shared.FetchAdd(&Block->PayloadFreeBytes, bytes);
            Points.Pass(Points.ReaderFree);
            Shared.Store(&Block->Reserved.Released, unchecked(released + (ulong)bytes) & ~Releasing);
        }

        /// <summary>
        /// For a reader whose writer is dead: nothing beyond the bytes ever read was committed. They end where the
        /// reader stands, whatever memory says of that.
        /// </summary>
        public void Settle(ulong read, long held)
        {
            Shared.Store(&Block->Reserved.Committed, read);
            Shared.Store(&Block->PayloadWritePos, read % (ulong)Size);
            Shared.Store(&Block->PayloadFreeBytes, (ulong)(Size - held));
            Shared.Store(&Block->PayloadWrittenCount, Shared.Load(&Block->PayloadReadCount));
        }

        public byte[] ReadMetadata()
        {
            var written = Shared.Load(&Block->MetadataWrittenBytes);
            if (written == 0)
            {
                throw new NoMetadataException(name);
            }

            if (written <= (ulong)Layout.MetadataPrefix || written > (ulong)MetadataSize)
            {
                throw Invalid("metadata_written_bytes", written, MetadataSize);
            }

            var size = (long)written - Layout.MetadataPrefix;
            var prefix = Shared.Load((ulong*)metadata);
            if (prefix != (ulong)size)
            {
                throw Invalid("metadata length", prefix, size);
            }

            var content = new byte[size];
            Marshal.Copy((IntPtr)(metadata + Layout.MetadataPrefix), content, 0, content.Length);
            return content;
        }

        public InvalidOiebException Invalid(string field, ulong value, long limit)
        {
            return new InvalidOiebException(name, field, value, (ulong)limit);
        }

        private long Position(string field, ulong* place)
        {
            var value = Shared.Load(place);
            if (value > (ulong)Size)
            {
                throw Invalid(field, value, Size);
            }

            // After an exact fit one peer leaves the end here, where another leaves the start.
            return value == (ulong)Size ? 0 : (long)value;
        }
    }
}
