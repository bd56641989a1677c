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
    }

    /// <summary>The ring over a mapped segment: no waiting, no call of the system.</summary>
    /// <remarks>
    /// Nothing in shared memory is trusted: every value is loaded once, checked, and only then used. The sizes are
    /// taken once.
    /// </remarks>
    internal sealed unsafe class Ring
    {
        private readonly string name;
        private readonly byte* metadata;
        private readonly byte* payload;

        /// <summary>Attaches to a control block that somebody else may have written.</summary>
        /// <param name="name">Of the buffer.</param>
        /// <param name="control">The beginning of the segment, writable.</param>
        /// <param name="frames">The beginning of the segment, as frames are to be reached.</param>
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
            WriterState(out _, out _);
            ReadPosition();
        }

        public ControlBlock* Block { get; }

        public long Size { get; }

        public long MetadataSize { get; }

        /// <summary>Writes a fresh control block into memory that is all zero.</summary>
        public static void Format(byte* control, BufferConfig config, ulong readerPid)
        {
            var block = (ControlBlock*)control;
            block->Version.Major = Layout.VersionMajor;
            Shared.Store(&block->MetadataSize, (ulong)config.MetadataSize);
            Shared.Store(&block->MetadataFreeBytes, (ulong)config.MetadataSize);
            Shared.Store(&block->PayloadSize, (ulong)config.PayloadSize);
            Shared.Store(&block->PayloadFreeBytes, (ulong)config.PayloadSize);
            Volatile.Write(ref block->OiebSize, (uint)Layout.OiebSize);

            // Last: it is what makes the buffer exist.
            Shared.Store(&block->ReaderPid, readerPid);
        }

        public byte* At(long position)
        {
            return payload + position;
        }

        /// <summary>Where the reader stands.</summary>
        public long ReadPosition()
        {
            return Position("payload_read_pos", &Block->PayloadReadPos);
        }

        /// <summary>Where the writer stands, and how much is free.</summary>
        public void WriterState(out long position, out long free)
        {
            position = Position("payload_write_pos", &Block->PayloadWritePos);
            var value = Shared.Load(&Block->PayloadFreeBytes);
            if (value > (ulong)Size)
            {
                throw Invalid("payload_free_bytes", value, Size);
            }

            free = (long)value;
        }

        // ---- writing

        /// <summary>Makes a frame whose data stands in its place part of the ring. The caller then posts.</summary>
        /// <remarks>
        /// The commit is announced in the reserved bytes while it lasts, so that it can be finished when this process
        /// is killed inside; see <see cref="Recovery"/>.
        /// </remarks>
        public void Publish(Plan plan, ulong sequence)
        {
            *(FrameHeader*)At(plan.At) = new FrameHeader { Size = (ulong)plan.Size, Sequence = sequence };
            if (plan.HasMarker)
            {
                *(FrameHeader*)At(plan.From) = default(FrameHeader);
            }

            Points.Pass(Points.WriterHeader);
            var count = unchecked(Shared.Load(&Block->PayloadWrittenCount) + (plan.HasMarker ? 2u : 1u));
            Shared.Store(&Block->Reserved.IntentOldPosition, (ulong)plan.From);
            Shared.Store(&Block->Reserved.IntentCount, count);

            // Last: it makes the other two valid.
            Shared.Store(&Block->Reserved.IntentBytes, (ulong)plan.Need);
            Points.Pass(Points.WriterIntent);
            Shared.Store(&Block->PayloadWritePos, (ulong)plan.End(Size));
            Points.Pass(Points.WriterPosition);
            var free = Shared.FetchAdd(&Block->PayloadFreeBytes, -plan.Need);
            Points.Pass(Points.WriterFree);
            Shared.Store(&Block->PayloadWrittenCount, count);
            Points.Pass(Points.WriterCount);
            ClearReserved();

            // The reader looks at nothing before it has a token: the post must not overtake what it stands for.
            Thread.MemoryBarrier();
            if (free > (ulong)Size || free < (ulong)plan.Need)
            {
                throw Invalid("payload_free_bytes", free, Size);
            }
        }

        /// <summary>No commit is under way.</summary>
        public void ClearReserved()
        {
            Shared.Store(&Block->Reserved.IntentBytes, 0);
            Shared.Store(&Block->Reserved.IntentOldPosition, 0);
            Shared.Store(&Block->Reserved.IntentCount, 0);
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

            Memory.Copy(content, 0, metadata + Layout.MetadataPrefix, content.Length);
            *(ulong*)metadata = (ulong)content.Length;
            Points.Pass(Points.WriterMetadata);
            var written = Layout.MetadataPrefix + content.Length;
            Shared.Store(&Block->MetadataFreeBytes, (ulong)(MetadataSize - written));

            // Released last: a reader that sees a length sees the content.
            Shared.Store(&Block->MetadataWrittenBytes, (ulong)written);
        }

        // ---- reading

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

        /// <summary>
        /// Whether a series that begins anew stands among the next <paramref name="pending"/> frames.
        /// </summary>
        public bool RestartsAhead(long position, long pending)
        {
            try
            {
                WriterState(out var end, out _);

                // Tokens that stand for no frame lead no further than where the writer stands.
                for (; pending > 0 && position != end; pending--)
                {
                    var found = Look(position);
                    if (found.Sequence == 1)
                    {
                        return true;
                    }

                    position = found.Next;
                }
            }
            catch (ZeroBufferException)
            {
                // What is corrupt is reported when it is read.
            }

            return false;
        }

        /// <summary>Whether nothing that is unread stands behind a position at which the reader is.</summary>
        public bool IsDrained(long position)
        {
            try
            {
                WriterState(out var end, out var free);
                var isRead = Shared.Load(&Block->PayloadWrittenCount) == Shared.Load(&Block->PayloadReadCount);
                return position == end && (free != 0 || isRead);
            }
            catch (ZeroBufferException)
            {
                // What is corrupt is reported when it is read.
                return false;
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

        /// <summary>Gives space back; our last look at those bytes comes before their next use.</summary>
        public void Free(long bytes)
        {
            Shared.FetchAdd(&Block->PayloadFreeBytes, bytes);
            Points.Pass(Points.ReaderFree);
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
                throw Invalid("metadata length prefix", prefix, size);
            }

            var content = new byte[size];
            Memory.Copy(metadata + Layout.MetadataPrefix, content, 0, content.Length);
            return content;
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

        private InvalidOiebException Invalid(string field, ulong value, long limit)
        {
            return new InvalidOiebException(name, field, value, (ulong)limit);
        }
    }
}
