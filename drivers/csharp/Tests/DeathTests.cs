using System;

namespace ZeroBuffer.Tests
{
    /// <summary>Processes that are killed, wherever they stand.</summary>
    internal static class DeathTests
    {
        // Those of a write, in the order in which it passes them.
        private static readonly string[] WriterPoints =
        {
            Points.WriterPlanned, Points.WriterData, Points.WriterHeader, Points.WriterIntent, Points.WriterFree,
            Points.WriterPosition, Points.WriterCount, Points.WriterCommit, Points.WriterPost, Points.WriterDone,
        };

        [Case]
        private static void AKilledWriterIsNoticedWhenAllIsRead()
        {
            using (var reader = new Reader(Scratch.Name(), new BufferConfig(0, 4096)))
            using (var child = Child.Start("writer", reader.Name, "2"))
            {
                Expect.Equal("ready", child.Await());
                child.Kill();
                reader.Read(Scratch.Patience).Release();
                reader.Read(Scratch.Patience).Release();
                var error = Expect.Throws<WriterDeadException>(() => reader.Read(Scratch.Patience));
                Expect.Equal("died", error.Values["reason"]);
                Expect.Equal(WriterState.Died, reader.WriterState);
                using (var writer = new Writer(reader.Name))
                {
                    writer.Write(Scratch.Ramp(10, 1), Scratch.Patience);
                    using (var frame = reader.Read(Scratch.Patience))
                    {
                        Expect.Equal(1UL, frame.Sequence);
                    }
                }
            }
        }

        [Case]
        private static void AKilledReaderIsNoticedAndReplaced()
        {
            var name = Scratch.Name();
            using (var child = Child.Start("reader", name))
            {
                Expect.Equal("ready", child.Await());
                Expect.Throws<BufferInUseException>(() => new Reader(name));
                using (var writer = new Writer(name))
                {
                    writer.Write(Scratch.Ramp(900, 1), Scratch.Patience);
                    child.Kill();
                    var error = Expect.Throws<ReaderDeadException>(() => writer.Write(new byte[900], Scratch.Patience));
                    Expect.Equal("died", error.Values["reason"]);
                }

                Expect.Throws<ReaderDeadException>(() => new Writer(name));
                using (new Reader(name))
                using (new Writer(name))
                {
                    // What the dead one left was replaced.
                }
            }
        }

        [Case]
        private static void AWriterOnItsWayBelongsToOneReader()
        {
            var name = Scratch.Name();
            using (var first = Child.Start("reader", name))
            {
                Expect.Equal("ready", first.Await());
                using (var child = Child.Start("halts-connecting", name))
                {
                    child.AwaitHalt();
                    first.Kill();
                    using (var reader = new Reader(name, new BufferConfig(0, 4096)))
                    {
                        child.GoOn();
                        Expect.Equal("ready", child.Await(), "the child that was on its way");
                        TakeRamp(reader, 1, 300);
                        Expect.Equal(0, Scratch.Tokens(reader.Segment.Data), "tokens without a frame");
                    }
                }
            }
        }

        [Case]
        private static void AHaltComesOnceAndTheOperationGoesOn()
        {
            using (var reader = new Reader(Scratch.Name(), new BufferConfig(0, 4096)))
            using (var child = Child.Start("halts-writing", reader.Name, Points.WriterPosition))
            {
                child.AwaitHalt();
                TakeRamp(reader, 1, 300);
                Expect.That(reader.TryRead(TimeSpan.Zero) == null, "the second frame is there already");
                child.GoOn();
                Expect.Equal("ready", child.Await(), "the child that halted");
                for (var number = 2UL; number <= 4; number++)
                {
                    TakeRamp(reader, number, 300);
                }
            }
        }

        [Case]
        private static void AWriterThatDiesAnywhereLeavesWholeFramesOrNone()
        {
            foreach (var point in WriterPoints)
            {
                using (var reader = new Reader(Scratch.Name(), new BufferConfig(0, 1024)))
                {
                    Die("dies-writing", reader.Name, point);
                    if (IsCommitted(point))
                    {
                        TakeRamp(reader, 1, 300);
                    }

                    Expect.Throws<WriterDeadException>(() => reader.Read(Scratch.Patience));
                    Expect.Equal(1024, BufferTests.Free(reader), $"free bytes after {point}");
                    Expect.Equal(0, Scratch.Tokens(reader.Segment.Data), $"tokens after {point}");
                }
            }
        }

        [Case]
        private static void TheNextWriterGoesOnWhereTheDeadOneHadCommitted()
        {
            foreach (var point in WriterPoints)
            {
                using (var reader = new Reader(Scratch.Name(), new BufferConfig(0, 4096)))
                {
                    for (var death = 0; death < 3; death++)
                    {
                        Die("dies-writing", reader.Name, point);
                    }

                    using (var writer = new Writer(reader.Name))
                    {
                        Expect.That(BufferTests.Free(reader) % 316 == 4096 % 316, $"free bytes after {point}");
                        for (var death = 0; death < 3 && IsCommitted(point); death++)
                        {
                            TakeRamp(reader, 1, 300);
                        }

                        Expect.That(reader.TryRead(TimeSpan.Zero) == null, $"a frame is left after {point}");
                        Expect.Equal(4096, BufferTests.Free(reader), $"free bytes after {point}");
                        for (var number = 1UL; number <= 30; number++)
                        {
                            writer.Write(Scratch.Ramp(500, number), Scratch.Patience);
                            TakeRamp(reader, number, 500);
                        }
                    }

                    Expect.Throws<WriterDeadException>(() => reader.Read(Scratch.Patience));
                    Expect.Equal(4096, BufferTests.Free(reader), $"free bytes in the end, after {point}");
                }
            }
        }

        [Case]
        private static void AReaderThatDiesAnywhereIsReplaced()
        {
            foreach (var point in new[]
            {
                Points.ReaderToken, Points.ReaderPosition, Points.ReaderCount, Points.ReaderFree, Points.ReaderSpace,
            })
            {
                var name = Scratch.Name();
                using (var child = Child.Start("dies-reading", name, point))
                {
                    Expect.Equal("ready", child.Await());
                    using (var writer = new Writer(name))
                    {
                        writer.Write(Scratch.Ramp(300, 1), Scratch.Patience);
                        child.Tell("go");
                        Expect.Equal(null, child.Await(), $"the child at {point}");
                        child.Kill();
                        Expect.Throws<ReaderDeadException>(() => writer.Write(new byte[1], Scratch.Patience));
                    }

                    using (var reader = new Reader(name, new BufferConfig(0, 1024)))
                    using (var writer = new Writer(name))
                    {
                        writer.Write(Scratch.Ramp(300, 1), Scratch.Patience);
                        TakeRamp(reader, 1, 300);
                    }
                }
            }
        }

        private static bool IsCommitted(string point)
        {
            return Array.IndexOf(WriterPoints, point) >= Array.IndexOf(WriterPoints, Points.WriterCommit);
        }

        private static void Die(string role, string name, string point)
        {
            using (var child = Child.Start(role, name, point))
            {
                Expect.Equal(null, child.Await(), $"the child at {point}");
            }
        }

        private static void TakeRamp(Reader reader, ulong sequence, int size)
        {
            using (var frame = reader.Read(Scratch.Patience))
            {
                Expect.Equal(sequence, frame.Sequence, "sequence");
                Expect.SameBytes(Scratch.Ramp(size, sequence), frame.Data.ToArray(), $"frame {sequence}");
            }
        }
    }
}
