using System;

namespace ZeroBuffer.Tests
{
    /// <summary>Processes that are killed, wherever they stand.</summary>
    internal static class DeathTests
    {
        // Those of a write, in the order in which it passes them.
        private static readonly string[] WriterPoints =
        {
            Points.WriterPlanned, Points.WriterData, Points.WriterHeader, Points.WriterIntent, Points.WriterPosition,
            Points.WriterFree, Points.WriterCount, Points.WriterPost, Points.WriterDone,
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
                        Expect.Equal(0, reader.Segment.Data.Value, "tokens without a frame");
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
                    var posted = point == Points.WriterPost || point == Points.WriterDone;
                    if (posted)
                    {
                        reader.Read(Scratch.Patience).Release();
                    }

                    Expect.Throws<WriterDeadException>(() => reader.Read(Scratch.Patience));
                    Expect.Equal(1024, Free(reader), $"free bytes after {point}");
                    Expect.Equal(0UL, Intent(reader), $"announced bytes after {point}");
                }
            }
        }

        [Case]
        private static void TheNextWriterCompletesWhatTheDeadOneBegan()
        {
            foreach (var point in WriterPoints)
            {
                using (var reader = new Reader(Scratch.Name(), new BufferConfig(0, 4096)))
                {
                    Die("dies-writing", reader.Name, point);
                    using (var writer = new Writer(reader.Name))
                    {
                        if (Array.IndexOf(WriterPoints, point) > Array.IndexOf(WriterPoints, Points.WriterIntent))
                        {
                            TakeRamp(reader, 1, 300);
                        }

                        for (var number = 1UL; number <= 30; number++)
                        {
                            writer.Write(Scratch.Ramp(500, number), Scratch.Patience);
                            TakeRamp(reader, number, 500);
                        }

                        // Between moving and counting it cannot be told how far the dead one came: room, never data.
                        var free = Free(reader);
                        Expect.That(free == 4096 || free == 4096 - 316, $"{free} bytes are free after {point}");
                    }
                }
            }
        }

        [Case]
        private static void AReaderThatStoodStillWithATokenMeetsNoFrameTwice()
        {
            // Of sixteen frames the next stands where the first of an earlier lap did.
            const int Lap = 16;
            foreach (var written in new[] { 0, 2 })
            {
                StandStillWithAToken(Lap * 316, 0, written);
                StandStillWithAToken(Lap * 316, Lap - 1, written);
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

        /// <summary>
        /// The writer that comes after a killed one finds a frame without its token, and posts one for it.
        /// </summary>
        private static void StandStillWithAToken(int size, int before, int written)
        {
            var name = Scratch.Name();
            using (var reader = Child.Start("reader-to-be-asked", name, size.ToString()))
            {
                Expect.Equal("ready", reader.Await());
                using (var first = Child.Start("writer", name, (before + 1).ToString()))
                {
                    Expect.Equal("ready", first.Await());
                    ExpectAnswers(reader, 1, before);
                    reader.Tell("halt");
                    reader.AwaitHalt();
                    first.Kill();
                }

                using (var second = new Writer(name))
                {
                    reader.GoOn();
                    Expect.Equal((before + 1).ToString(), reader.Await(), "the frame of the token");
                    for (var number = 1; number <= written; number++)
                    {
                        second.Write(Scratch.Ramp(300, (ulong)number), Scratch.Patience);
                        ExpectAnswers(reader, number, number);
                    }

                    Expect.Equal("timeout", Ask(reader, "look"), $"after {before}, 1 and {written} frames");
                    second.Write(Scratch.Ramp(300, (ulong)written + 1), Scratch.Patience);
                    ExpectAnswers(reader, written + 1, written + 1);
                    if (before == 0)
                    {
                        // A succession excuses one such token, and no more.
                        Expect.Equal("sequence_error", Ask(reader, "forge"), "a forged token");
                    }
                }

                reader.End();
            }
        }

        private static string Ask(Child reader, string question)
        {
            reader.Tell(question);
            return reader.Await();
        }

        private static void ExpectAnswers(Child reader, int first, int last)
        {
            for (var number = first; number <= last; number++)
            {
                Expect.Equal(number.ToString(), Ask(reader, "read"), "sequence");
            }
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

        private static unsafe long Free(Reader reader)
        {
            return (long)Shared.Load(&reader.Segment.Ring.Block->PayloadFreeBytes);
        }

        private static unsafe ulong Intent(Reader reader)
        {
            return Shared.Load(&reader.Segment.Ring.Block->Reserved.IntentBytes);
        }
    }
}
