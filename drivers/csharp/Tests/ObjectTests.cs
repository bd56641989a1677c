using System;
using System.IO;
using System.Runtime.InteropServices;

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
        private static void WhoRemovesACorpseIsAloneAndNoSignOfLife()
        {
            var corpse = BufferTests.NewReader(0, 64);
            Foreign.Kill(corpse);
            using (var file = SystemCalls.Open(new Names(corpse.Name).SegmentPath, Libc.O_RDWR))
            {
                Expect.That(new Presence(file).TryHold(Presence.Removal), "somebody removes it");
                Expect.Throws<BufferInUseException>(() => new Reader(corpse.Name));
                Expect.Throws<ReaderDeadException>(() => new Writer(corpse.Name));
            }

            new Reader(corpse.Name).Close();
        }

        [Case]
        private static void LocksAreWhereTheyAreConfigured()
        {
            WithLocksElsewhere(
                () =>
                {
                    using (var reader = BufferTests.NewReader(0, 64))
                    {
                        Expect.That(File.Exists(new Names(reader.Name).LockPath), "no lock file is there");
                    }
                });
        }

        [Case]
        private static void WhatBelongsToAnotherProgramStays()
        {
            var late = new byte[3 << 20];
            late[late.Length - 1] = 1;
            var otherVersion = new byte[4096];
            otherVersion[0] = 128;
            otherVersion[4] = 2;
            foreach (var content in new[] { new byte[] { 7 }, Scratch.Ramp(4096, 1), late, otherVersion })
            {
                var name = Scratch.Name();
                var path = new Names(name).SegmentPath;
                File.WriteAllBytes(path, content);
                try
                {
                    Expect.Throws<InvalidOiebException>(() => new Reader(name));
                    Expect.SameBytes(content, File.ReadAllBytes(path), "another program's memory");
                }
                finally
                {
                    File.Delete(path);
                }
            }

            foreach (var length in new[] { 0, 64, 3 << 20 })
            {
                var name = Scratch.Name();
                File.WriteAllBytes(new Names(name).SegmentPath, new byte[length]);
                new Reader(name).Close();
            }
        }

        [Case]
        private static void ACreationThatIsBrokenOffIsNobodysBuffer()
        {
            var name = Scratch.Name();
            var begun = new byte[4096];
            begun[0] = 128;
            begun[4] = 1;
            File.WriteAllBytes(new Names(name).SegmentPath, begun);
            var start = Clock.Now;
            var error = Expect.Throws<ReaderDeadException>(() => new Writer(name));
            Expect.Equal("closed", error.Values["reason"]);
            Expect.That(Clock.Now - start >= 40 * 1000 * 1000, "the writer has not waited");
            new Reader(name).Close();
        }

        [Case]
        private static void RootsSegmentTakesNoOption()
        {
            if (Libc.geteuid() != 0)
            {
                Console.WriteLine("skipped: only root can become another user");
                return;
            }

            using (var reader = new Reader(Scratch.Name(), new BufferConfig(0, 1024, 0x1b6)))
            using (var child = Child.Start("writer-as-another", reader.Name, "1"))
            {
                Expect.Equal("ready", child.Await());
                reader.Read(Scratch.Patience).Release();
            }
        }

        [Case]
        private static void AnotherUsersSegmentTakesAnOption()
        {
            if (Libc.geteuid() != 0)
            {
                Console.WriteLine("skipped: only root can give a file away");
                return;
            }

            using (var reader = BufferTests.NewReader(0, 1024))
            {
                Expect.Equal(0, chown(new Names(reader.Name).SegmentPath, 65534, 65534), "chown");
                var error = Expect.Throws<PermissionDeniedException>(() => new Writer(reader.Name));
                Expect.That(error.Message.Contains("user 65534") && error.Message.Contains("any_owner"), error.Message);
                using (var writer = new Writer(reader.Name, anyOwner: true))
                {
                    writer.Write(Scratch.Ramp(10, 1), Scratch.Patience);
                    BufferTests.Check(reader, 1, 10);
                }
            }
        }

        [Case]
        private static void ASemaphoreThatIsNoneIsRefused()
        {
            var full = new byte[32];
            BitConverter.GetBytes(-1).CopyTo(full, 0);
            var flag = new byte[32];
            flag[8] = 7;
            foreach (var content in new[] { new byte[0], new byte[31], new byte[33], full, flag })
            {
                using (var reader = BufferTests.NewReader(0, 64))
                {
                    var path = Names.SemaphorePath(new Names(reader.Name).SpaceSemaphore);
                    File.Delete(path);
                    File.WriteAllBytes(path, content);
                    Expect.Throws<InvalidOiebException>(() => new Writer(reader.Name));
                }
            }
        }

        [Case]
        private static void ALockFileOfTwoNamesIsLeftAlone()
        {
            WithLocksElsewhere(
                () =>
                {
                    var names = new Names(Scratch.Name());
                    var victim = Path.Combine(names.LockDirectory, "victim");
                    new Reader(names.Buffer).Close();
                    File.WriteAllBytes(victim, new byte[0]);
                    SystemCalls.Check(Libc.chmod(victim, 0x1ff));
                    Expect.Equal(0, link(victim, names.LockPath), "link");
                    Expect.Throws<SystemFailureException>(() => new Reader(names.Buffer));
                    using (var file = SystemCalls.Open(victim, Libc.O_RDONLY))
                    {
                        Expect.Equal(0x1ff, SystemCalls.FactsOf(file).Mode & 0xfff, "mode");
                    }

                    File.Delete(victim);
                    File.Delete(names.LockPath);
                });
        }

        [Case]
        private static void ACloseRemovesNothingThatHasTakenTheNameSince()
        {
            var name = Scratch.Name();
            var path = new Names(name).SegmentPath;
            using (var reader = new Reader(name))
            {
                File.Delete(path);
                File.WriteAllText(path, "another owner's");
                reader.Close();
            }

            Expect.Equal("another owner's", File.ReadAllText(path));
            File.Delete(path);

            // Its semaphores stayed, as another owner's would: this replaces and removes them.
            new Reader(name).Close();
        }

        /// <summary>Has the locks in a folder of their own, which must be empty in the end.</summary>
        internal static void WithLocksElsewhere(Action work)
        {
            var folder = Path.Combine(Path.GetTempPath(), Scratch.Name());
            var before = Environment.GetEnvironmentVariable(Names.LockDirectoryVariable);
            Environment.SetEnvironmentVariable(Names.LockDirectoryVariable, folder);
            try
            {
                work();
                Expect.Equal(0, Directory.GetFileSystemEntries(folder).Length, "files");
            }
            finally
            {
                Environment.SetEnvironmentVariable(Names.LockDirectoryVariable, before);
                Directory.Delete(folder, true);
            }
        }

        [DllImport("libc.so.6", SetLastError = true)]
        private static extern int chown(string path, uint user, uint group);

        [DllImport("libc.so.6", SetLastError = true)]
        private static extern int link(string old, string name);

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
