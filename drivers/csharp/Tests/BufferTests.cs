using System;
using System.Collections.Generic;
using System.Threading;
using ZeroBuffer.Driver;

namespace ZeroBuffer.Tests
{
    /// <summary>One reader and one writer in this process.</summary>
    internal static class BufferTests
    {
        [Case]
        private static void RandomFramesOfRandomRingsArriveInOrder()
        {
            var dice = Seed.Dice("rings");
            for (var round = 0; round < 40; round++)
            {
                using (var reader = NewReader(0, dice.Next(1, 2000)))
                using (var writer = new Writer(reader.Name))
                {
                    Trade(reader, writer, dice);
                    Expect.Equal(reader.Segment.Ring.Size, Free(reader), "free bytes");
                }
            }
        }

        [Case]
        private static void TwoThreadsPassTwentyThousandFrames()
        {
            const int Count = 20000;
            using (var reader = NewReader(0, 10240))
            using (var writer = new Writer(reader.Name))
            {
                Exception failure = null;
                var thread = new Thread(
                    () =>
                    {
                        try
                        {
                            var dice = Seed.Dice("threads");
                            for (var number = 0; number < Count; number++)
                            {
                                writer.Write(Scratch.Ramp(dice.Next(1, 2000), writer.NextSequence), Scratch.Patience);
                            }
                        }
                        catch (Exception error)
                        {
                            failure = error;
                        }
                    });
                thread.Start();
                var sizes = Seed.Dice("threads");
                for (var number = 1UL; number <= Count; number++)
                {
                    Check(reader, number, sizes.Next(1, 2000));
                }

                thread.Join();
                Expect.That(failure == null, $"the writer failed: {failure}");
                Expect.Equal(reader.Segment.Ring.Size, Free(reader), "free bytes");
            }
        }

        [Case]
        private static void FramesAreReleasedInAnyOrder()
        {
            using (var reader = NewReader(0, 1024))
            using (var writer = new Writer(reader.Name))
            {
                var frames = new List<Frame>();
                for (var number = 1UL; number <= 3; number++)
                {
                    writer.Write(Scratch.Ramp(200, number), Scratch.Patience);
                    frames.Add(reader.Read(Scratch.Patience));
                }

                frames[1].Release();
                Expect.Equal(1024 - 3 * 216, Free(reader), "free behind what is held");
                Expect.Equal(0, Scratch.Tokens(reader.Segment.Space), "space");
                frames[0].Release();
                frames[0].Release();
                Expect.Equal(1024 - 216, Free(reader), "free");
                Expect.Equal(2, Scratch.Tokens(reader.Segment.Space), "space");
                Expect.SameBytes(Scratch.Ramp(200, 3), frames[2].Data.ToArray(), "a frame that is held");
                Expect.Throws<FrameReleasedException>(() => frames[0].Data.ToArray());
                frames[2].Release();
            }
        }

        [Case]
        private static unsafe void AFrameIsSeenInPlaceAndCannotBeChanged()
        {
            using (var reader = NewReader(0, 1024))
            using (var writer = new Writer(reader.Name))
            {
                writer.Write(Scratch.Ramp(50), Scratch.Patience);
                using (var frame = reader.Read(Scratch.Patience))
                {
                    var data = frame.Data;
                    Expect.Equal(50, data.Length);
                    Expect.Equal((byte)49, data[49]);
                    Expect.Throws<ArgumentOutOfRangeException>(() => Ignore(data[50]));
                    Expect.Throws<ArgumentOutOfRangeException>(() => data.CopyTo(49, new byte[2], 0, 2));
                    var copy = new byte[50];
                    Expect.Equal(50, data.OpenStream().Read(copy, 0, 50));
                    Expect.SameBytes(Scratch.Ramp(50), copy, "a stream");
                    Expect.Throws<NotSupportedException>(() => data.OpenStream().WriteByte(1));
                    using (var zeroes = SystemCalls.Open("/dev/zero", Libc.O_RDONLY))
                    {
                        Expect.Equal(-1, Libc.read(zeroes.Number, data.Pointer + 1, 1), "the kernel writing");
                        Expect.Equal(Host.EFAULT, Libc.Errno);
                    }
                }
            }
        }

        [Case]
        private static void SlotsAreCommittedOrAsIfNeverAskedFor()
        {
            using (var reader = NewReader(0, 1024))
            using (var writer = new Writer(reader.Name))
            {
                writer.Acquire(900, Scratch.Patience).Abandon();
                using (var slot = writer.Acquire(10, Scratch.Patience))
                {
                    Expect.Throws<BusyException>(() => writer.Write(new byte[1], TimeSpan.Zero));
                    Expect.Throws<ArgumentOutOfRangeException>(() => slot.Put(8, new byte[3], 0, 3));
                    slot.Put(0, Scratch.Ramp(10, 1), 0, 10);
                    Expect.Equal(1UL, slot.Commit());
                    Expect.Throws<BufferClosedException>(() => slot.Commit());
                }

                Check(reader, 1, 10);
                using (writer.Acquire(10, Scratch.Patience))
                {
                    // Forgotten: nothing is sent.
                }

                Expect.That(reader.TryRead(TimeSpan.Zero) == null, "a forgotten slot was sent");
                Expect.Equal(2UL, writer.NextSequence);
            }
        }

        [Case]
        private static void MetadataIsWrittenOnce()
        {
            using (var reader = NewReader(100, 64))
            using (var writer = new Writer(reader.Name))
            {
                Expect.Throws<NoMetadataException>(() => reader.GetMetadata());
                Expect.Throws<MetadataEmptyException>(() => writer.SetMetadata(new byte[0]));
                var error = Expect.Throws<MetadataTooLargeException>(() => writer.SetMetadata(new byte[121]));
                Expect.Equal(120L, error.Values["limit"]);
                writer.SetMetadata(Scratch.Ramp(120));
                Expect.SameBytes(Scratch.Ramp(120), reader.GetMetadata(), "metadata");
                Expect.Throws<MetadataExistsException>(() => writer.SetMetadata(new byte[1]));
            }
        }

        [Case]
        private static void AFullRingIsSaidSoAndWhatNeverFitsAtOnce()
        {
            using (var reader = NewReader(0, 1024))
            using (var writer = new Writer(reader.Name))
            {
                Expect.Throws<InvalidFrameSizeException>(() => writer.Write(new byte[0], Scratch.Patience));
                var large = Expect.Throws<FrameTooLargeException>(() => writer.Write(new byte[1009], Scratch.Patience));
                Expect.Equal(1008L, large.Values["largest"]);
                writer.Write(Scratch.Ramp(584, 1), Scratch.Patience);
                var never = Expect.Throws<FrameUnwritableException>(
                    () => writer.Write(new byte[700], Scratch.Patience));
                Expect.Equal("584 496", $"{never.Values["fits_now"]} {never.Values["always_fits"]}");
                var full = Expect.Throws<BufferFullException>(
                    () => writer.Write(new byte[500], TimeSpan.FromMilliseconds(30)));
                Expect.Equal("buffer_full", full.Code);
                Check(reader, 1, 584);
                writer.Write(Scratch.Ramp(500, 2), TimeSpan.Zero);
                Check(reader, 2, 500);
            }
        }

        [Case]
        private static void TokensOfSpaceAreDrained()
        {
            using (var reader = NewReader(0, 4096))
            using (var writer = new Writer(reader.Name))
            {
                for (var number = 1UL; number <= 1000; number++)
                {
                    writer.Write(Scratch.Ramp(10, number), Scratch.Patience);
                    Check(reader, number, 10);
                }

                var tokens = Scratch.Tokens(reader.Segment.Space);
                Expect.That(tokens < 100, $"{tokens} tokens have piled up");
            }
        }

        [Case]
        private static void WritersOfOneProcessFollowEachOther()
        {
            using (var reader = NewReader(0, 4096))
            {
                Expect.Equal(WriterState.Absent, reader.WriterState);
                foreach (var count in new[] { 3, 1, 2 })
                {
                    using (var writer = new Writer(reader.Name))
                    {
                        Expect.Throws<WriterExistsException>(() => new Writer(reader.Name));
                        Expect.Equal(WriterState.Alive, reader.WriterState);
                        for (var number = 0; number < count; number++)
                        {
                            writer.Write(Scratch.Ramp(100, writer.NextSequence), Scratch.Patience);
                        }
                    }
                }

                foreach (var number in new ulong[] { 1, 2, 3, 1, 1, 2 })
                {
                    Check(reader, number, 100);
                }

                var end = Expect.Throws<WriterDeadException>(() => reader.Read(Scratch.Patience));
                Expect.Equal("closed", end.Values["reason"]);
                Expect.Equal(WriterState.Closed, reader.WriterState);
            }
        }

        [Case]
        private static void AReaderThatClosesWakesItsWriterAndLeavesNothing()
        {
            var reader = NewReader(0, 1024);
            using (var writer = new Writer(reader.Name))
            {
                writer.Write(Scratch.Ramp(900, 1), Scratch.Patience);
                var frame = reader.Read(Scratch.Patience);
                var waiting = InThread(() => writer.Write(new byte[900], Scratch.Patience));
                reader.Close();
                Expect.That(waiting() is ReaderDeadException, "a blocked writer has not noticed");
                Expect.Throws<ReaderDeadException>(() => writer.CheckReader());
                Expect.SameBytes(Scratch.Ramp(900, 1), frame.Data.ToArray(), "a frame of a closed reader");
                frame.Release();
                Expect.Throws<BufferClosedException>(() => reader.Read(TimeSpan.Zero));
                Expect.Throws<BufferNotFoundException>(() => new Writer(reader.Name));
            }
        }

        [Case]
        private static void BlockedCallsEndWithTheirObjectAndWithTheirToken()
        {
            using (var cancel = new CancellationTokenSource())
            using (var reader = NewReader(0, 64))
            {
                var cancelled = InThread(() => reader.Read(Timeout.InfiniteTimeSpan, cancel.Token));
                cancel.Cancel();
                Expect.That(cancelled() is OperationCanceledException, "a cancelled read goes on");
                var closed = InThread(() => reader.Read(Timeout.InfiniteTimeSpan));
                reader.Close();
                Expect.That(closed() is BufferClosedException, "the read of a closed reader goes on");
            }
        }

        [Case]
        private static void AWriterWaitsForItsReader()
        {
            var name = Scratch.Name();
            Expect.Throws<BufferNotFoundException>(() => new Writer(name));
            Reader reader = null;
            var creating = InThread(
                () =>
                {
                    Thread.Sleep(30);
                    reader = new Reader(name);
                });
            using (new Writer(name, Scratch.Patience))
            {
                Expect.That(creating() == null, "the reader failed");
            }

            reader.Close();
        }

        internal static Reader NewReader(long metadata, long payload)
        {
            return new Reader(Scratch.Name(), new BufferConfig(metadata, payload));
        }

        private static void Ignore(byte value)
        {
        }

        /// <summary>Writes and releases at random, with frames held across each other.</summary>
        private static void Trade(Reader reader, Writer writer, Random dice)
        {
            var ring = reader.Segment.Ring.Size;
            var sizes = new Queue<int>();
            var held = new List<Frame>();
            var next = 1UL;
            for (var step = 0; step < 300; step++)
            {
                var size = dice.Next(1, (int)ring);
                try
                {
                    writer.Write(Scratch.Ramp(size, writer.NextSequence), TimeSpan.Zero);
                    sizes.Enqueue(size);
                }
                catch (ZeroBufferException error) when (
                    error is BufferFullException
                    || error is FrameUnwritableException
                    || error is FrameTooLargeException)
                {
                    // There is room again when something is released.
                }

                while (sizes.Count > 0 && dice.Next(3) > 0)
                {
                    var frame = reader.Read(Scratch.Patience);
                    Expect.Equal(next++, frame.Sequence, "sequence");
                    Expect.Equal(sizes.Dequeue(), (int)frame.Size, "size");
                    held.Add(frame);
                }

                while (held.Count > 0 && dice.Next(3) > 0)
                {
                    var frame = held[dice.Next(held.Count)];
                    held.Remove(frame);
                    Expect.SameBytes(Scratch.Ramp((int)frame.Size, frame.Sequence), frame.Data.ToArray(), "a frame");
                    frame.Release();
                }
            }

            for (; sizes.Count > 0; sizes.Dequeue())
            {
                held.Add(reader.Read(Scratch.Patience));
            }

            held.ForEach(frame => frame.Release());
        }

        internal static void Check(Reader reader, ulong sequence, int size)
        {
            using (var frame = reader.Read(Scratch.Patience))
            {
                Expect.Equal(sequence, frame.Sequence, "sequence");
                Expect.SameBytes(Scratch.Ramp(size, sequence), frame.Data.ToArray(), $"frame {sequence}");
            }
        }

        internal static unsafe long Free(Reader reader)
        {
            return (long)Shared.Load(&reader.Segment.Ring.Block->PayloadFreeBytes);
        }

        /// <summary>Starts work; what comes back waits for its end and returns what it has thrown.</summary>
        internal static Func<Exception> InThread(Action work)
        {
            Exception thrown = null;
            var thread = new Thread(
                () =>
                {
                    try
                    {
                        work();
                    }
                    catch (Exception error)
                    {
                        thrown = error;
                    }
                });
            thread.IsBackground = true;
            thread.Start();
            return () =>
            {
                Expect.That(thread.Join(Scratch.Patience), "a thread hangs");
                return thrown;
            };
        }
    }
}
