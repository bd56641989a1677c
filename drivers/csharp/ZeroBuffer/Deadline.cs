using System;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>A moment on the monotonic clock until which a call may take.</summary>
    internal struct Deadline
    {
        // A blocked wait looks this often whether the other side lives.
        private const long Slice = 30 * 1000 * 1000;

        private readonly long end;

        private Deadline(long end)
        {
            this.end = end;
        }

        public bool IsOver
        {
            get { return Clock.Now >= end; }
        }

        public TimeSpan Left
        {
            get
            {
                return end == long.MaxValue
                    ? Timeout.InfiniteTimeSpan
                    : TimeSpan.FromTicks(Math.Max(0, end - Clock.Now) / 100);
            }
        }

        /// <summary>For the waits of the runtime, which count in whole milliseconds; -1 is for ever.</summary>
        public int LeftInMilliseconds
        {
            get { return end == long.MaxValue ? -1 : (int)Math.Min(int.MaxValue, Left.TotalMilliseconds); }
        }

        public static Deadline After(TimeSpan timeout)
        {
            if (timeout == Timeout.InfiniteTimeSpan)
            {
                return new Deadline(long.MaxValue);
            }

            if (timeout < TimeSpan.Zero)
            {
                throw new ArgumentOutOfRangeException(nameof(timeout), timeout, "must not be negative");
            }

            var now = Clock.Now;
            var far = timeout.Ticks >= (long.MaxValue - now) / 100;
            return new Deadline(far ? long.MaxValue : now + timeout.Ticks * 100);
        }

        /// <summary>The moment of the next look, not later than the end.</summary>
        public long NextLook()
        {
            var now = Clock.Now;
            return end - now > Slice ? now + Slice : end;
        }
    }

    /// <summary>Nanoseconds of the monotonic clock.</summary>
    internal static unsafe class Clock
    {
        public static long Now
        {
            get
            {
                Libc.TimeSpec time;
                Libc.clock_gettime(Libc.CLOCK_MONOTONIC, &time);
                return time.Seconds * 1000000000 + time.Nanoseconds;
            }
        }
    }
}
