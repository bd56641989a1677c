using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;

namespace ZeroBuffer.Driver
{
    /// <summary>The verbs of one buffer.</summary>
    internal sealed unsafe class BufferVerbs
    {
        private readonly Handles handles;

        public BufferVerbs(Handles handles)
        {
            this.handles = handles;
        }

        public object Create(Params given)
        {
            return handles.Keep(new Reader(given.Text("name"), given.Config()));
        }

        public object Connect(Params given)
        {
            return handles.Keep(new Writer(given.Text("name")));
        }

        public object Close(Params given)
        {
            // The request that takes it closes it. Another one at the same time is told that it is closed.
            handles.EndWithHeld(given, "handle").ForEach(thing => thing.Dispose());
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
            var writer = handles.Get<Writer>(given, "handle");
            var transfer = new Transfer();
            for (long number = 0; number < count; number++)
            {
                if (interval > 0)
                {
                    SleepUntil(clock, number * interval);
                }

                var size = sizes.Length > 0 ? sizes[number % sizes.Length] : recipe.Size;
                var content = recipe.Content(size, writer.NextSequence);
                try
                {
                    var sequence = writer.Write(content.Array, content.Offset, content.Count, clock.Left);
                    transfer.Add(sequence, content.Count);
                }
                catch (ZeroBufferException error)
                {
                    throw clock.Ended(error, transfer.Frames);
                }
            }

            return transfer.Plain(clock);
        }

        public object Fill(Params given)
        {
            var timeout = given.Timeout;
            var clock = new RequestClock(timeout);
            var recipe = given.Payload();
            var patience = given.Seconds("patience");
            var writer = handles.Get<Writer>(given, "handle");
            var transfer = new Transfer();
            while (!clock.IsOver)
            {
                var content = recipe.Content(writer.NextSequence);
                try
                {
                    var sequence = writer.Write(content.Array, content.Offset, content.Count, patience);
                    transfer.Add(sequence, content.Count);
                }
                catch (BufferFullException)
                {
                    return transfer.Plain(clock);
                }
            }

            var cause = $"the buffer took {transfer.Frames} frames and was not full in {timeout.TotalSeconds} s";
            throw RpcException.Of("timeout", cause);
        }

        public object Acquire(Params given)
        {
            var size = given.Number("size");
            var writer = handles.Get<Writer>(given, "handle");
            return handles.Keep(new HeldSlot(writer, writer.Acquire(size, given.Timeout)));
        }

        public object Put(Params given)
        {
            var recipe = given.Payload();
            var offset = given.Number("offset");
            var held = handles.Get<HeldSlot>(given, "slot");
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
            var held = handles.Take<HeldSlot>(given, "slot");
            lock (held)
            {
                return held.Slot.Commit();
            }
        }

        public object Abandon(Params given)
        {
            handles.Take<HeldSlot>(given, "slot").Dispose();
            return null;
        }

        public object WriteMetadata(Params given)
        {
            var content = given.Payload().Whole();
            handles.Get<Writer>(given, "handle").SetMetadata(content);
            return null;
        }

        // ---- reading

        public object Read(Params given)
        {
            var reader = handles.Get<Reader>(given, "handle");
            var frame = reader.Read(given.Timeout);
            var facts = new Dictionary<string, object>
            {
                { "sequence", frame.Sequence },
                { "size", frame.Size },
                { "digest", Crc32.Continue(0, frame.Data.Pointer, frame.Size) },
            };
            facts.Add("frame", handles.Keep(new HeldFrame(reader, frame)));
            return facts;
        }

        public object ReadMany(Params given)
        {
            var clock = new RequestClock(given.Timeout);
            var count = given.NumberOrNull("count");
            var delay = given.Seconds("delay");
            var idle = given.Seconds("idle");
            var look = given.Flag("look");
            var reader = handles.Get<Reader>(given, "handle");
            var transfer = new Transfer();
            while (!count.HasValue || transfer.Frames < count.Value)
            {
                var left = clock.Left;
                var patience = count.HasValue || left < idle ? left : idle;
                try
                {
                    using (var frame = reader.Read(patience))
                    {
                        Look(frame, look, transfer);
                        if (delay > TimeSpan.Zero)
                        {
                            // The scenario asks for a slow reader. A sleep of 0 gives the processor away for a slice.
                            Thread.Sleep(delay);
                        }
                    }
                }
                catch (ZeroBufferException error)
                {
                    var isEnd = error is FrameTimeoutException || error is WriterDeadException;
                    if (!count.HasValue && isEnd && !clock.IsOver)
                    {
                        break;
                    }

                    throw clock.Ended(error, transfer.Frames);
                }
            }

            return transfer.Plain(clock);
        }

        public object Relay(Params given)
        {
            var clock = new RequestClock(given.Timeout);
            var count = given.Number("count");
            given.Number("target");
            var source = handles.Get<Reader>(given, "source");
            var target = handles.Get<Writer>(given, "target");
            var transfer = new Transfer();
            try
            {
                for (; count > 0; count--)
                {
                    using (var frame = source.Read(clock.Left))
                    {
                        target.Write(frame.Data.Pointer, frame.Size, clock.Left);
                        transfer.Add(frame);
                    }
                }
            }
            catch (ZeroBufferException error)
            {
                throw clock.Ended(error, transfer.Frames);
            }

            return transfer.Plain(clock);
        }

        public object Peek(Params given)
        {
            var offset = given.Number("offset");
            var length = given.Number("length");
            var held = handles.Get<HeldFrame>(given, "frame");
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
            handles.Get<HeldFrame>(given, "frame").Dispose();
            return null;
        }

        public object ReadMetadata(Params given)
        {
            var content = handles.Get<Reader>(given, "handle").GetMetadata();
            return new Dictionary<string, object> { { "size", content.Length }, { "digest", Crc32.Of(content) } };
        }

        private static void Look(Frame frame, bool look, Transfer transfer)
        {
            if (look)
            {
                transfer.Add(frame);
            }
            else
            {
                transfer.Add(frame.Sequence, frame.Size);
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
