using System;
using System.IO;
using System.Threading;

namespace ZeroBuffer.Tests
{
    /// <summary>What is promised of a stream while its writers and readers come and go.</summary>
    internal static unsafe class StreamTests
    {
        [Case]
        private static void NoFrameIsLostAfterAReconnect()
        {
            for (var round = 0; round < 5; round++)
            {
                Reconnect(64, 16, 20000);
                Reconnect(4096, 1008, 40000);
                Reconnect(64 << 10, 4080, 40000);
            }

            Reconnect(10240, 1000, 200000);
        }

        [Case]
        private static void NoWriterConnectsToTheRemainsOfARestartedReader()
        {
            var name = Scratch.Name();
            var isOver = false;
            var connections = 0;
            var writing = BufferTests.InThread(
                () =>
                {
                    while (!Volatile.Read(ref isOver))
                    {
                        using (var writer = TryConnect(name))
                        {
                            connections += writer == null ? 0 : 1;
                            WriteUntilTheReaderIsGone(writer);
                        }
                    }
                });
            for (var restart = 0; restart < 600; restart++)
            {
                var reader = new Reader(name, new BufferConfig(0, 1024));
                if (restart % 3 != 0)
                {
                    reader.Read(Scratch.Patience).Release();
                }

                if (restart % 2 == 0)
                {
                    reader.Close();
                    continue;
                }

                // As if it had died: its locks are free, the rest stands.
                Foreign.Kill(reader);
            }

            Volatile.Write(ref isOver, true);
            new Reader(name).Close();
            Expect.Equal(null, writing(), "the writer");
            Expect.That(connections >= 400, $"only {connections} connections");
        }

        [Case]
        private static void WritersOfOneProcessComeAndGoUnderLoad()
        {
            const int Writers = 3000;
            var isOver = false;
            using (var reader = BufferTests.NewReader(0, 1024))
            {
                var block = reader.Segment.Ring.Block;
                var watching = BufferTests.InThread(
                    () =>
                    {
                        while (!Volatile.Read(ref isOver))
                        {
                            var word = Shared.Load(&block->Reserved.Connection);
                            var isForeign = !new Connection(block).IsOurs && Shared.Load(&block->WriterPid) != 0;
                            isForeign &= Shared.Load(&block->Reserved.Connection) == word && (uint)word == 0;
                            Expect.That(!isForeign, "a writer of ours looks like a foreign one");
                        }
                    });
                var writing = BufferTests.InThread(
                    () =>
                    {
                        for (var number = 0; number < Writers; number++)
                        {
                            using (var writer = new Writer(reader.Name))
                            {
                                for (var frame = number % 4; frame >= 0; frame--)
                                {
                                    writer.Write(Scratch.Ramp(100, writer.NextSequence), Scratch.Patience);
                                }
                            }
                        }
                    });
                for (var number = 0; number < Writers; number++)
                {
                    for (var frame = 0; frame <= number % 4; frame++)
                    {
                        TakePatiently(reader, (ulong)frame + 1);
                    }
                }

                Expect.Equal(null, writing(), "the writer");
                Volatile.Write(ref isOver, true);
                Expect.Equal(null, watching(), "the watch");
                Expect.Equal(1024, BufferTests.Free(reader), "free bytes");
                Expect.Equal(0, Scratch.Tokens(reader.Segment.Data), "tokens");
            }
        }

        [Case]
        private static void OfAForeignWriterTokensAreTheTruth()
        {
            using (var reader = BufferTests.NewReader(0, 1024))
            {
                using (var foreign = new Foreign(reader))
                {
                    for (var number = 1UL; number <= 30; number++)
                    {
                        foreign.Write(200, number, false);
                        Expect.That(reader.TryRead(TimeSpan.Zero) == null, "a frame came before its token");
                        reader.Segment.Data.Post();
                        BufferTests.Check(reader, number, 200);
                    }

                    // One that is not read when ours comes.
                    foreign.Write(200, 31, true);
                }

                using (var writer = new Writer(reader.Name))
                {
                    writer.Write(Scratch.Ramp(300, 1), Scratch.Patience);
                    BufferTests.Check(reader, 31, 200);
                    BufferTests.Check(reader, 1, 300);
                    Expect.That(reader.TryRead(TimeSpan.Zero) == null, "a frame too many");
                    Expect.Equal(1024, BufferTests.Free(reader), "free bytes");
                }

                using (var foreign = new Foreign(reader))
                {
                    foreign.Write(100, 1, true);
                    BufferTests.Check(reader, 1, 100);
                }
            }
        }

        [Case]
        private static void WhatWasNotPostedIsForgottenWithItsWriter()
        {
            using (var reader = BufferTests.NewReader(0, 1024))
            {
                using (var writer = new Writer(reader.Name))
                {
                    // As if it had been killed before its post, and inherited from.
                    writer.Write(Scratch.Ramp(100, 1), Scratch.Patience);
                    Expect.That(reader.Segment.Data.TryTake(), "a post");
                    BufferTests.Check(reader, 1, 100);
                }

                Expect.Throws<WriterDeadException>(() => reader.Read(Scratch.Patience));
                using (var foreign = new Foreign(reader))
                {
                    foreign.Write(100, 1, true);
                    BufferTests.Check(reader, 1, 100);
                }
            }
        }

        [Case]
        private static void WhatADeadForeignWriterDidNotPostIsReadWhenOneOfOursComes()
        {
            using (var reader = BufferTests.NewReader(0, 1024))
            {
                new Foreign(reader, Foreign.DeadPid).Write(1008, 1, false);
                using (var writer = new Writer(reader.Name))
                {
                    Expect.Throws<BufferFullException>(() => writer.Write(new byte[1], TimeSpan.Zero));
                    BufferTests.Check(reader, 1, 1008);
                    writer.Write(Scratch.Ramp(20, 1), Scratch.Patience);
                    BufferTests.Check(reader, 1, 20);
                }
            }
        }

        [Case]
        private static void AForeignWriterIsKnownOnceItWasThereWithNothingToRead()
        {
            using (var reader = BufferTests.NewReader(0, 4096))
            {
                foreach (var wasIdle in new[] { true, false })
                {
                    using (var foreign = new Foreign(reader))
                    {
                        Expect.That(!wasIdle || reader.TryRead(TimeSpan.Zero) == null, "a frame of nobody");
                        foreign.Write(100, 1, true);
                        foreign.Write(100, 2, true);
                        foreign.Write(100, 1, true);
                        BufferTests.Check(reader, 1, 100);
                        BufferTests.Check(reader, 2, 100);
                        if (wasIdle)
                        {
                            Expect.Throws<SequenceException>(() => reader.Read(Scratch.Patience));
                            Foreign.Poke(&reader.Segment.Ring.Block->WriterPid, 0);
                        }

                        // A writer that has left, or was not seen, may be followed by another.
                        BufferTests.Check(reader, 1, 100);
                    }

                    var end = Expect.Throws<WriterDeadException>(() => reader.Read(Scratch.Patience));
                    Expect.Equal("closed 1", $"{end.Values["reason"]} {end.Values["pid"]}");
                }
            }
        }

        [Case]
        private static void AWriterWaitsUntilItCanTellWhatADeadForeignOneLeft()
        {
            using (var reader = BufferTests.NewReader(0, 1024))
            {
                var block = reader.Segment.Ring.Block;
                Foreign.Poke(&block->WriterPid, Foreign.DeadPid);
                Shared.FetchAdd(&block->PayloadFreeBytes, -100);
                Expect.Throws<WriterExistsException>(() => new Writer(reader.Name));
                var writing = BufferTests.InThread(() => new Writer(reader.Name, Scratch.Patience).Close());
                Expect.Throws<WriterDeadException>(() => reader.Read(Scratch.Patience));
                Expect.Equal(null, writing(), "the writer");
                Expect.Equal(1UL, Shared.Load(&block->Reserved.Connection) >> 32, "connections");
                Expect.Equal(1024, BufferTests.Free(reader), "free bytes");
            }
        }

        [Case]
        private static void ADeadWritersFieldsAreRightBeforeTheNextIsThere()
        {
            using (var reader = BufferTests.NewReader(0, 1024))
            {
                var block = reader.Segment.Ring.Block;
                var first = new Writer(reader.Name);
                first.Write(Scratch.Ramp(100, 1), Scratch.Patience);

                // Inside its next commit, and its reader inside a release for ever.
                Shared.FetchAdd(&block->PayloadFreeBytes, -50);
                Foreign.Poke(&block->PayloadWritePos, 166);
                Foreign.Kill(first);
                var released = Shared.Load(&block->Reserved.Released);
                Foreign.Poke(&block->Reserved.Released, released | Ring.Releasing);
                Expect.Throws<WriterExistsException>(() => new Writer(reader.Name));
                Expect.Equal(WriterState.Died, reader.WriterState);
                Foreign.Poke(&block->Reserved.Released, released);
                using (var writer = new Writer(reader.Name))
                {
                    Expect.Equal(1024 - 116, BufferTests.Free(reader), "free bytes");
                    Expect.Equal(116UL, Shared.Load(&block->PayloadWritePos), "position");
                    writer.Write(Scratch.Ramp(200, 1), Scratch.Patience);
                    BufferTests.Check(reader, 1, 100);
                    BufferTests.Check(reader, 1, 200);
                }
            }
        }

        [Case]
        private static void AWriterGoesOnPlainWhereSomebodyElseHasWritten()
        {
            using (var reader = BufferTests.NewReader(0, 1024))
            using (var writer = new Writer(reader.Name))
            {
                writer.Write(Scratch.Ramp(100, 1), Scratch.Patience);
                BufferTests.Check(reader, 1, 100);
                var block = reader.Segment.Ring.Block;
                Foreign.Poke(&block->PayloadWritePos, 0);
                Foreign.Poke(&block->PayloadReadPos, 0);
                for (var number = 2UL; number <= 40; number++)
                {
                    writer.Write(Scratch.Ramp(300, number), Scratch.Patience);
                    BufferTests.Check(reader, number, 300);
                }

                Expect.Equal(1UL << 32, Shared.Load(&block->Reserved.Connection), "the connection");
            }
        }

        [Case]
        private static void AWriterThatComesPlainIsAnotherConnection()
        {
            using (var reader = BufferTests.NewReader(0, 1024))
            {
                var block = reader.Segment.Ring.Block;
                Foreign.Poke(&block->Reserved.Connection, Connection.Word(1, 0));
                Foreign.Poke(&block->PayloadWritePos, 64);
                using (new Writer(reader.Name))
                {
                    Expect.Equal((ulong)Libc.getpid(), Shared.Load(&block->WriterPid), "the writer");
                    Expect.Equal(2UL << 32, Shared.Load(&block->Reserved.Connection), "the connection");
                }
            }
        }

        [Case]
        private static void AForeignReaderIsServedByTheProtocolAlone()
        {
            using (var reader = BufferTests.NewReader(0, 1024))
            {
                var block = reader.Segment.Ring.Block;
                Foreign.Poke(&block->Reserved.Released, 0);
                Foreign.Poke(&block->Reserved.Committed, 0);
                reader.Segment.Presence.Leave(Presence.Reader);
                using (var writer = new Writer(reader.Name))
                {
                    writer.Write(Scratch.Ramp(500, 1), Scratch.Patience);
                    writer.Write(Scratch.Ramp(400, 2), Scratch.Patience);
                    Expect.Throws<BufferFullException>(() => writer.Write(new byte[100], TimeSpan.Zero));
                    Expect.Equal(0UL, Shared.Load(&block->Reserved.Committed), "a reserved word");
                    Expect.Equal(0UL, Shared.Load(&block->Reserved.Connection), "a reserved word");
                    Foreign.Poke(&block->PayloadReadPos, 516);
                    Shared.FetchAdd(&block->PayloadFreeBytes, 516);
                    writer.Write(Scratch.Ramp(200, 3), TimeSpan.Zero);
                    Foreign.Poke(&block->ReaderPid, Foreign.DeadPid);
                    Thread.Sleep(1); // for so long a look is fresh
                    writer.CheckReader(); // its lock file is held
                    File.Delete(new Names(reader.Name).SegmentPath);
                    Thread.Sleep(1);
                    Expect.Throws<ReaderDeadException>(() => writer.CheckReader());
                }
            }
        }

        [Case]
        private static void LocksSayWhoLivesWhateverItsNumberMeansHere()
        {
            using (var reader = BufferTests.NewReader(0, 1024))
            {
                var block = reader.Segment.Ring.Block;
                var first = new Writer(reader.Name);
                first.Write(Scratch.Ramp(10, 1), Scratch.Patience);
                BufferTests.Check(reader, 1, 10);

                // As it looks from another pid namespace: numbers of nothing here, of another process, or of this one.
                foreach (var pid in new[] { Foreign.DeadPid, 1UL, (ulong)Libc.getpid() })
                {
                    Foreign.Poke(&block->WriterPid, pid);
                    Foreign.Poke(&block->Reserved.Connection, Connection.Word(1, pid));
                    Foreign.Poke(&block->ReaderPid, pid);
                    Thread.Sleep(1); // for so long a look is fresh
                    Expect.Equal(WriterState.Alive, reader.WriterState);
                    first.CheckReader();
                    Expect.Throws<WriterExistsException>(() => new Writer(reader.Name));
                    Expect.Throws<BufferInUseException>(() => new Reader(reader.Name));
                }

                foreach (var pid in new[] { 1UL, (ulong)Libc.getpid() })
                {
                    Foreign.Poke(&block->WriterPid, pid);
                    Foreign.Poke(&block->Reserved.Connection, Connection.Word(1, pid));
                    Foreign.Kill(first);
                    Expect.Throws<WriterDeadException>(() => reader.Read(Scratch.Patience));
                    Expect.Equal(WriterState.Died, reader.WriterState);
                    first = new Writer(reader.Name);
                    first.Write(Scratch.Ramp(10, 1), Scratch.Patience);
                    BufferTests.Check(reader, 1, 10);
                }

                foreach (var pid in new[] { 1UL, (ulong)Libc.getpid() })
                {
                    Foreign.Poke(&block->ReaderPid, pid);
                    reader.Segment.Presence.Leave(Presence.Reader);
                    Thread.Sleep(1);
                    Expect.Throws<ReaderDeadException>(() => first.CheckReader());
                }

                first.Close();
            }
        }

        [Case]
        private static void ALivingReadersBufferStandsWhereOnlySharedMemoryIsShared()
        {
            using (var reader = BufferTests.NewReader(0, 1024))
            using (var writer = new Writer(reader.Name))
            {
                Foreign.Poke(&reader.Segment.Ring.Block->ReaderPid, Foreign.DeadPid);
                ObjectTests.WithLocksElsewhere(
                    () => Expect.Throws<BufferInUseException>(() => new Reader(reader.Name)));
                writer.Write(Scratch.Ramp(10, 1), Scratch.Patience);
                BufferTests.Check(reader, 1, 10);
                Expect.Throws<WriterExistsException>(() => new Writer(reader.Name));
            }
        }

        /// <summary>One writer sends a frame and closes; the next one streams.</summary>
        private static void Reconnect(long payload, int size, int count)
        {
            using (var reader = BufferTests.NewReader(0, payload))
            {
                using (var first = new Writer(reader.Name))
                {
                    first.Write(Scratch.Ramp(size), Scratch.Patience);
                }

                reader.Read(Scratch.Patience).Release();
                var frame = Scratch.Ramp(size);
                var writing = BufferTests.InThread(
                    () =>
                    {
                        using (var second = new Writer(reader.Name))
                        {
                            for (var number = 0; number < count; number++)
                            {
                                second.Write(frame, Scratch.Patience);
                            }
                        }
                    });
                for (var number = 1UL; number <= (ulong)count; number++)
                {
                    TakePatiently(reader, number);
                }

                Expect.Equal(null, writing(), "the writer");
                Expect.Throws<WriterDeadException>(() => reader.Read(Scratch.Patience));
                Expect.Equal(payload, BufferTests.Free(reader), "free bytes");
            }
        }

        /// <summary>The end of a writer is no obstacle: the next one is on its way.</summary>
        private static void TakePatiently(Reader reader, ulong sequence)
        {
            var deadline = Deadline.After(Scratch.Patience);
            for (;;)
            {
                try
                {
                    using (var frame = reader.Read(TimeSpan.FromSeconds(3)))
                    {
                        Expect.Equal(sequence, frame.Sequence, "sequence");
                        return;
                    }
                }
                catch (WriterDeadException)
                {
                    Expect.That(!deadline.IsOver, $"frame {sequence} does not come");
                }
            }
        }

        private static Writer TryConnect(string name)
        {
            try
            {
                return new Writer(name);
            }
            catch (ZeroBufferException error) when (error is BufferNotFoundException || error is ReaderDeadException)
            {
                return null;
            }
        }

        /// <summary>The end that a writer must see is the death of its reader, soon.</summary>
        private static void WriteUntilTheReaderIsGone(Writer writer)
        {
            var frame = new byte[100];
            try
            {
                while (writer != null)
                {
                    writer.Write(frame, TimeSpan.FromSeconds(5));
                }
            }
            catch (ReaderDeadException)
            {
                // It goes on with the next one.
            }
        }
    }
}
