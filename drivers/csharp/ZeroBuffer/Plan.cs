using System;

namespace ZeroBuffer
{
    /// <summary>Whether a frame can stand in a ring.</summary>
    internal enum Fit
    {
        Fits,
        Empty,
        TooLarge,
        Unwritable,
    }

    /// <summary>Where a frame goes, and what it costs. Pure.</summary>
    internal struct Plan
    {
        /// <summary>Where the writer stands.</summary>
        public readonly long From;

        /// <summary>Where the header goes.</summary>
        public readonly long At;

        /// <summary>Header and data.</summary>
        public readonly long Total;

        /// <summary>Bytes given up at the end of the ring.</summary>
        public readonly long Tail;

        private Plan(long from, long at, long total, long tail)
        {
            From = from;
            At = at;
            Total = total;
            Tail = tail;
        }

        public bool HasMarker
        {
            get { return Tail >= Layout.HeaderSize; }
        }

        public long Need
        {
            get { return Tail + Total; }
        }

        public long Size
        {
            get { return Total - Layout.HeaderSize; }
        }

        /// <summary>The size that fits at any position.</summary>
        public static long AlwaysFits(long ring)
        {
            return ring / 2 - Layout.HeaderSize;
        }

        /// <summary>The largest size that can ever be written at a position.</summary>
        public static long FitsAt(long ring, long position)
        {
            return Math.Max(ring - position, position) - Layout.HeaderSize;
        }

        /// <summary>
        /// Plans a frame of <paramref name="size"/> bytes for a writer at <paramref name="position"/>.
        /// </summary>
        public static Fit Make(long ring, long position, long size, out Plan plan)
        {
            plan = default(Plan);
            if (size <= 0)
            {
                return Fit.Empty;
            }

            if (size > ring - Layout.HeaderSize)
            {
                return Fit.TooLarge;
            }

            var total = size + Layout.HeaderSize;
            var tail = ring - position;
            var canWrap = total <= position;
            var rest = tail - total;

            // A rest of 1 to 15 bytes has no room for a marker, and some foreign readers fail on it: it is avoided.
            var leavesStub = rest > 0 && rest < Layout.HeaderSize;
            if (rest >= 0 && !(leavesStub && canWrap))
            {
                plan = new Plan(position, position, total, 0);
                return Fit.Fits;
            }

            if (!canWrap)
            {
                return Fit.Unwritable;
            }

            plan = new Plan(position, 0, total, tail);
            return Fit.Fits;
        }

        /// <summary>Where the writer stands afterwards.</summary>
        public long End(long ring)
        {
            return At + Total == ring ? 0 : At + Total;
        }
    }
}
