using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;

namespace ZeroBuffer.Driver
{
    /// <summary>The verbs of one buffer.</summary>
    internal sealed unsafe class BufferVerbs
    {
        private readonly Table table;

        public BufferVerbs(Table table)
        {
            this.table = table;
        }

        public object Create(Params given)
        {
            return table.Keep(new Reader(given.Text("name"), given.Config()));
        }

        public object Connect(Params given)
        {
            return table.Keep(new Writer(given.Text("name")));
        }

        public object Close(Params given)
        {
            // Whoever takes it closes it; another one at the same time is told that it is closed.
            table.TakeWithParts(given, "handle").ForEach(thing => thing.Dispose());
            return null;
        }

        // ---- writing

        public object Write(Params given)
        {
            var clock = new RequestClock(given.Timeout);
            var recipe = given.Payload();
            var sizes = given.Sizes("sizes");
            var interval = given.Seconds("interval").TotalSeconds;
            var count = given.Number("count");
            var writer = table.Get<Writer>(given, "handle");
            var summary = new Summary();
            for (long number = 0; number < count; number++)
            {
                if (interval > 0)
                {
                    SleepUntil(clock, number * interval);
                }

                var size = sizes.Length > 0 ? sizes[number % sizes.Length] : recipe.Size;
                var content = recipe.Content(size, writer.NextSequence);
                var sequence = writer.Write(content.Array, content.Offset, content.Count, clock.Left);
                summary.Add(sequence, content.Count);
            }

            return summary.Plain(clock);
        }

        public object Fill(Params given)
        {
            var timeout = given.Timeout;
            var clock = new RequestClock(timeout);
            var recipe = given.Payload();
            var patience = given.Seconds("patience");
            var writer = table.Get<Writer>(given, "handle");
            var summary = new Summary();
            while (!clock.IsOver)
            {
                var content = recipe.Content(writer.NextSequence);
                try
                {
                    var sequence = writer.Write(content.Array, content.Offset, content.Count, patience);
                    summary.Add(sequence, content.Count);
                }
                catch (BufferFullException)
                {
                    return summary.Plain(clock);
                }
            }

            var cause = $"the buffer took {summary.Frames} frames and was not full in {timeout.TotalSeconds} s";
            throw RpcException.Of("timeout", cause);
        }

        public object Acquire(Params given)
        {
            var size = given.Number("size");
            var writer = table.Get<Writer>(given, "handle");
            return table.Keep(new HeldSlot(writer, writer.Acquire(size, given.Timeout)));
        }

        public object Put(Params given)
        {
            var recipe = given.Payload();
            var offset = given.Number("offset");
            var held = table.Get<HeldSlot>(given, "slot");
            var content = recipe.Content(held.Slot.Sequence);
            if (content.Count > held.Slot.Size - offset)
            {
                throw given.Unfit("offset", $"within the slot, with the payload: it has {held.Slot.Size} bytes");
            }

            lock (held)
            {
                held.Slot.Put(offset, content.Array, content.Offset, content.Count);
            }

            return null;
        }

        public object Commit(Params given)
        {
            var held = table.Take<HeldSlot>(given, "slot");
            lock (held)
            {
                return held.Slot.Commit();
            }
        }

        public object Abandon(Params given)
        {
            table.Take<HeldSlot>(given, "slot").Dispose();
            return null;
        }

        public object WriteMetadata(Params given)
        {
            var content = given.Payload().Whole();
            table.Get<Writer>(given, "handle").SetMetadata(content);
            return null;
        }

        // ---- reading

        public object Read(Params given)
        {
            var reader = table.Get<Reader>(given, "handle");
            var frame = reader.Read(given.Timeout);
            var facts = new Dictionary<string, object>
            {
                { "sequence", frame.Sequence },
                { "size", frame.Size },
                { "digest", Crc32.Continue(0, frame.Data.Pointer, frame.Size) },
            };
            facts.Add("frame", table.Keep(new HeldFrame(reader, frame)));
            return facts;
        }

        public object ReadMany(Params given)
        {
            var clock = new RequestClock(given.Timeout);
            var count = given.NumberOrNull("count");
            var delay = given.Seconds("delay");
            var idle = given.Seconds("idle");
            var look = given.Flag("look");
            var reader = table.Get<Reader>(given, "handle");
            var summary = new Summary();
            while (!count.HasValue || summary.Frames < count.Value)
            {
                var left = clock.Left;
                var patience = count.HasValue || left < idle ? left : idle;
                try
                {
                    using (var frame = reader.Read(patience))
                    {
                        Look(frame, look, summary);
                        Thread.Sleep(delay); // the scenario asks for a slow reader
                    }
                }
                catch (ZeroBufferException error)
                {
                    var isEnd = error is FrameTimeoutException || error is WriterDeadException;
                    if (!count.HasValue && isEnd && !clock.IsOver)
                    {
                        break;
                    }

                    throw RpcException.Of(error, $"after {summary.Frames} frames: ");
                }
            }

            return summary.Plain(clock);
        }

        public object Relay(Params given)
        {
            var clock = new RequestClock(given.Timeout);
            var count = given.Number("count");
            given.Number("target");
            var source = table.Get<Reader>(given, "source");
            var target = table.Get<Writer>(given, "target");
            var summary = new Summary();
            for (; count > 0; count--)
            {
                using (var frame = source.Read(clock.Left))
                {
                    summary.Add(frame);
                    target.Write(frame.Data.Pointer, frame.Size, clock.Left);
                }
            }

            return summary.Plain(clock);
        }

        public object Peek(Params given)
        {
            var offset = given.Number("offset");
            var length = given.Number("length");
            var held = table.Get<HeldFrame>(given, "frame");
            lock (held)
            {
                var data = held.Frame.Data;
                offset = Math.Min(offset, data.Length);
                length = Math.Min(length, data.Length - offset);
                var text = new StringBuilder();
                for (var at = offset; at < offset + length; at++)
                {
                    text.Append(data[at].ToString("x2"));
                }

                return text.ToString();
            }
        }

        /// <summary>The number stays, so that a look at a released frame is told so.</summary>
        public object Release(Params given)
        {
            table.Get<HeldFrame>(given, "frame").Dispose();
            return null;
        }

        public object ReadMetadata(Params given)
        {
            var content = table.Get<Reader>(given, "handle").GetMetadata();
            return new Dictionary<string, object> { { "size", content.Length }, { "digest", Crc32.Of(content) } };
        }

        private static void Look(Frame frame, bool look, Summary summary)
        {
            if (look)
            {
                summary.Add(frame);
            }
            else
            {
                summary.Add(frame.Sequence, frame.Size);
            }
        }

        private static void SleepUntil(RequestClock clock, double seconds)
        {
            var left = seconds - clock.Seconds;
            if (left > 0)
            {
                Thread.Sleep(TimeSpan.FromSeconds(left));
            }
        }
    }
}
