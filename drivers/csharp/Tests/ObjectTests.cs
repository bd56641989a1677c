using System;
using System.IO;

namespace ZeroBuffer.Tests
{
    /// <summary>The objects of a buffer: whose they are, and what may stand in them.</summary>
    internal static class ObjectTests
    {
        private const int ReadPosOffset = 56;
        private const int WritePosOffset = 48;
        private const int FreeOffset = 40;

        [Case]
        private static void NothingInSharedMemoryIsTrusted()
        {
            using (var reader = BufferTests.NewReader(64, 1024))
            using (var writer = new Writer(reader.Name))
            {
                writer.Write(Scratch.Ramp(100, 1), Scratch.Patience);
                Poke(reader, ReadPosOffset, 1025);
                Expect.Throws<InvalidOiebException>(() => reader.Read(Scratch.Patience));
                Poke(reader, ReadPosOffset, 0);
                Poke(reader, WritePosOffset, ulong.MaxValue);
                Expect.Throws<InvalidOiebException>(() => writer.Write(new byte[1], Scratch.Patience));
                Poke(reader, WritePosOffset, 116);
                var free = (ulong)BufferTests.Free(reader);
                Poke(reader, FreeOffset, 1025);
                Expect.Throws<InvalidOiebException>(() => writer.Write(new byte[1], Scratch.Patience));
                Poke(reader, FreeOffset, free);
                const int Header = 128 + 64;
                foreach (var size in new ulong[] { 0, 1009, ulong.MaxValue })
                {
                    Poke(reader, Header, size);
                    Expect.Throws<InvalidFrameSizeException>(() => reader.Read(Scratch.Patience));
                }

                Poke(reader, Header, 100);
                Poke(reader, Header + 8, 7);
                var error = Expect.Throws<SequenceException>(() => reader.Read(Scratch.Patience));
                Expect.Equal("1 7", $"{error.Values["expected"]} {error.Values["seen"]}");
                Poke(reader, Header + 8, 1);
                BufferTests.Check(reader, 1, 100);
            }
        }

        [Case]
        private static void WhatIsNoBufferIsNotConnectedTo()
        {
            foreach (var content in new[] { new byte[64], new byte[4096], Scratch.Ramp(4096, 1) })
            {
                var name = Scratch.Name();
                var path = new Names(name).SegmentPath;
                File.WriteAllBytes(path, content);
                try
                {
                    Expect.Throws<InvalidOiebException>(() => new Writer(name));
                }
                finally
                {
                    File.Delete(path);
                }
            }
        }

        [Case]
        private static void ObjectsHaveTheModeThatWasAskedFor()
        {
            using (var reader = new Reader(Scratch.Name(), new BufferConfig(0, 64, 0x1b0)))
            {
                var names = new Names(reader.Name);
                var semaphore = Names.SemaphorePath(names.DataSemaphore);
                foreach (var path in new[] { names.SegmentPath, names.LockPath, semaphore })
                {
                    using (var file = SystemCalls.Open(path, Libc.O_RDONLY))
                    {
                        Expect.Equal(0x1b0, SystemCalls.FactsOf(file).Mode & 0xfff, path);
                    }
                }
            }

            Expect.Throws<ArgumentOutOfRangeException>(() => new BufferConfig(0, 64, 0x1ff));
            Expect.Throws<ArgumentOutOfRangeException>(() => new BufferConfig(0, 0));
            Expect.Throws<ArgumentOutOfRangeException>(() => new BufferConfig(-1, 64));
        }

        [Case]
        private static void ABufferOfALivingReaderIsNotTaken()
        {
            using (var reader = BufferTests.NewReader(0, 64))
            {
                Expect.Throws<BufferInUseException>(() => new Reader(reader.Name));
                using (new Writer(reader.Name))
                {
                    Expect.Equal(WriterState.Alive, reader.WriterState);
                }
            }
        }

        [Case]
        private static void LocksAreWhereTheyAreConfigured()
        {
            var folder = Path.Combine(Path.GetTempPath(), Scratch.Name());
            var before = Environment.GetEnvironmentVariable(Names.LockDirectoryVariable);
            Environment.SetEnvironmentVariable(Names.LockDirectoryVariable, folder);
            try
            {
                using (var reader = BufferTests.NewReader(0, 64))
                {
                    Expect.That(File.Exists(Path.Combine(folder, reader.Name + ".lock")), "no lock file is there");
                }

                Expect.Equal(0, Directory.GetFileSystemEntries(folder).Length, "files");
            }
            finally
            {
                Environment.SetEnvironmentVariable(Names.LockDirectoryVariable, before);
                Directory.Delete(folder, true);
            }
        }

        private static void Poke(Reader reader, int offset, ulong value)
        {
            var path = new Names(reader.Name).SegmentPath;
            using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            {
                file.Seek(offset, SeekOrigin.Begin);
                file.Write(BitConverter.GetBytes(value), 0, 8);
            }
        }
    }
}
