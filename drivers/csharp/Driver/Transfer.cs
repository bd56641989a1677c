using System;
using System.Collections.Generic;
using System.Globalization;

namespace ZeroBuffer.Driver
{
    /// <summary>The time that is left of a request, and the processor time it has cost.</summary>
    internal sealed unsafe class RequestClock
    {
        private readonly long begin = Clock.Now;
        private readonly double processor = ProcessorSeconds();
        private readonly Deadline deadline;

        private readonly double limit;

        public RequestClock(TimeSpan timeout)
        {
            limit = timeout.TotalSeconds;
            deadline = Deadline.After(timeout);
        }

        public TimeSpan Left
        {
            get { return deadline.Left; }
        }

        public bool IsOver
        {
            get { return deadline.IsOver; }
        }

        public double Seconds
        {
            get { return (Clock.Now - begin) / 1e9; }
        }

        public double ProcessorSecondsSpent
        {
            get { return Math.Max(0, ProcessorSeconds() - processor); }
        }

        /// <summary>What is told of an error that ends a series: how far it came, and the limit of all.</summary>
        /// <remarks>The library knows only what was left of that.</remarks>
        public RpcException Ended(ZeroBufferException error, long count, string what = "frames")
        {
            var text = error.Message;
            var values = new Dictionary<string, object>(error.Values);
            if (error is FrameTimeoutException || error is BufferFullException)
            {
                var said = error is BufferFullException ? "there was no space for more" : "nothing more came";
                text = said + " within " + limit.ToString("G", CultureInfo.InvariantCulture) + " s";
                values["seconds"] = limit;
            }

            return RpcException.Of(error.Code, $"after {count} {what}: {text}", values);
        }

        private static double ProcessorSeconds()
        {
            Libc.TimeSpec time;
            Libc.clock_gettime(Host.CLOCK_PROCESS_CPUTIME_ID, &time);
            return time.Seconds + time.Nanoseconds / 1e9;
        }
    }

    /// <summary>Many frames, summed up.</summary>
    internal sealed unsafe class Transfer
    {
        private readonly List<long[]> runs = new List<long[]>();
        private long bytes;
        private ulong first;
        private ulong last;
        private long breaks;
        private uint digest;

        public long Frames { get; private set; }

        /// <summary>Adds a frame without a look at its bytes.</summary>
        public void Add(ulong sequence, long size)
        {
            if (Frames > 0 && sequence != unchecked(last + 1))
            {
                breaks++;
            }

            first = first == 0 ? sequence : first;
            last = sequence;
            Frames++;
            bytes += size;
            if (runs.Count > 0 && runs[runs.Count - 1][0] == size)
            {
                runs[runs.Count - 1][1]++;
            }
            else
            {
                runs.Add(new[] { size, 1 });
            }
        }

        /// <summary>Adds a frame and its bytes.</summary>
        public void Add(Frame frame)
        {
            Add(frame.Sequence, frame.Size);
            var header = stackalloc ulong[2];
            header[0] = (ulong)frame.Size;
            header[1] = frame.Sequence;
            digest = Crc32.Continue(digest, (byte*)header, 16);
            digest = Crc32.Continue(digest, frame.Data.Pointer, frame.Size);
        }

        public object Plain(RequestClock clock)
        {
            return new Dictionary<string, object>
            {
                { "frames", Frames },
                { "bytes", bytes },
                { "first", first },
                { "last", last },
                { "breaks", breaks },
                { "runs", runs },
                { "digest", digest },
                { "seconds", clock.Seconds },
                { "cpu_seconds", clock.ProcessorSecondsSpent },
            };
        }
    }
}
