namespace ZeroBuffer
{
    /// <summary>What a writer that was killed inside a commit has left in the ring.</summary>
    internal static unsafe class Recovery
    {
        /// <summary>
        /// The next writer's part, whose claim on the ring is made: completes what was begun.
        /// </summary>
        /// <param name="ring">The ring.</param>
        /// <param name="begin">Where the reader stood …</param>
        /// <param name="pending">… when so many tokens were left to take. It may go on meanwhile.</param>
        /// <returns>How many posts the dead writer owes.</returns>
        public static long Complete(Ring ring, long begin, long pending)
        {
            var block = ring.Block;
            try
            {
                FinishAnnounced(ring);
                ring.ClearReserved();
                ring.WriterState(out var end, out var free);

                // Peers move the position first and announce nothing: what stands unread is not free. The reader is
                // looked at after the free bytes, so that one at work never looks wrong.
                var most = ring.Size - (end - ring.ReadPosition() + ring.Size) % ring.Size;
                if (free > most)
                {
                    Shared.FetchAdd(&block->PayloadFreeBytes, most - free);
                }

                // A position that is the reader's: nothing unread, or a frame that fills the ring and was never posted.
                var counted = Shared.Load(&block->PayloadWrittenCount) != Shared.Load(&block->PayloadReadCount);
                var isEmpty = begin == end && pending == 0 && !(free == 0 && counted);
                var standing = isEmpty ? 0 : Count(ring, begin, end);
                return standing > pending ? standing - pending : 0;
            }
            catch (ZeroBufferException)
            {
                // Where it is corrupt there is nothing to complete; whoever reads or writes is told.
                return 0;
            }
        }

        /// <summary>
        /// The reader's part, when all that was posted is read, the writer is dead and its claim is the reader's:
        /// nothing that stands before it was committed.
        /// </summary>
        /// <param name="ring">The ring.</param>
        /// <param name="held">Bytes that are read and not yet released.</param>
        public static void RollBack(Ring ring, long held)
        {
            var block = ring.Block;
            try
            {
                var position = ring.ReadPosition();
                var free = ring.Size - held;
                if (free >= 0 && !IsSettled(ring, position, free))
                {
                    Shared.Store(&block->PayloadWritePos, (ulong)position);
                    Shared.Store(&block->PayloadFreeBytes, (ulong)free);
                    Shared.Store(&block->PayloadWrittenCount, Shared.Load(&block->PayloadReadCount));
                }
            }
            catch (InvalidOiebException)
            {
                // As above.
            }

            ring.ClearReserved();
        }

        /// <summary>
        /// The count of frames and markers at which a writer that connects now begins; 0 when nothing stands in the
        /// ring: then all to come is its own.
        /// </summary>
        public static ulong FirstCount(Ring ring, long pending)
        {
            var block = ring.Block;
            if (Shared.Load(&block->Reserved.IntentBytes) != 0)
            {
                return Shared.Load(&block->Reserved.IntentCount);
            }

            var written = Shared.Load(&block->PayloadWrittenCount);
            try
            {
                ring.WriterState(out var end, out var free);
                var unposted = free == 0 && written != Shared.Load(&block->PayloadReadCount);
                return pending == 0 && end == ring.ReadPosition() && !unposted ? 0 : written;
            }
            catch (InvalidOiebException)
            {
                return written;
            }
        }

        private static bool IsSettled(Ring ring, long position, long free)
        {
            try
            {
                ring.WriterState(out var end, out var seen);
                return end == position && seen == free;
            }
            catch (InvalidOiebException)
            {
                return false;
            }
        }

        /// <summary>
        /// Brings the fields to where a commit that was announced, and had moved the position, leads.
        /// </summary>
        private static void FinishAnnounced(Ring ring)
        {
            var block = ring.Block;
            var bytes = Shared.Load(&block->Reserved.IntentBytes);
            var count = Shared.Load(&block->Reserved.IntentCount);
            if (bytes == 0 || bytes > (ulong)ring.Size || count == Shared.Load(&block->PayloadWrittenCount))
            {
                return;
            }

            ring.WriterState(out var end, out var free);
            var full = bytes == (ulong)ring.Size && free == 0;
            if ((ulong)end == Shared.Load(&block->Reserved.IntentOldPosition) && !full)
            {
                return;
            }

            // Whether the bytes are subtracted already cannot be told, as the reader may hold frames. Twice costs room
            // until a death is noticed by the reader; not at all could cost data.
            if ((ulong)free >= bytes)
            {
                Shared.FetchAdd(&block->PayloadFreeBytes, -(long)bytes);
            }

            Shared.Store(&block->PayloadWrittenCount, count);
        }

        private static long Count(Ring ring, long position, long end)
        {
            long frames = 0;
            do
            {
                position = ring.Look(position).Next;
                frames++;
            }
            while (position != end && frames <= ring.Size / Layout.HeaderSize);
            return position == end ? frames : 0;
        }
    }
}
