using System;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>
    /// Creating and removing the four objects of a buffer, which belong to its reader. What belongs to a living owner
    /// is never touched, what a dead one left is replaced, and a creation that fails half-way leaves nothing behind.
    /// </summary>
    internal sealed unsafe class Ownership : IDisposable
    {
        private const long LockPatience = 100 * 1000 * 1000; // for a process that only tests it
        private const int Chunk = 1 << 20;
        private const uint DirectoryMode = 0x3ff; // 1777: everybody's locks, each removable only by its owner

        private readonly Names names;
        private readonly BufferConfig config;
        private readonly FileDescriptor lockFile;
        private Libc.FileFacts segmentFacts;

        /// <summary>Creates the objects of a buffer.</summary>
        public Ownership(Names names, BufferConfig config)
        {
            this.names = names;
            this.config = config;
            lockFile = Lock();
            try
            {
                Segment = Named(
                    "remove what a dead owner left",
                    names.SegmentPath,
                    () =>
                    {
                        RemoveStale();
                        return CreateObjects();
                    });
            }
            catch
            {
                Abandon();
                throw;
            }
        }

        public Segment Segment { get; }

        /// <summary>Whether the lock is held: then the reader lives, whatever its number means here.</summary>
        public static bool IsLocked(Names names)
        {
            try
            {
                using (var file = SystemCalls.Open(names.LockPath, Libc.O_RDONLY | Libc.O_NONBLOCK))
                {
                    return !SystemCalls.TryLock(file, Libc.LOCK_SH);
                }
            }
            catch (ErrnoException)
            {
                return false;
            }
        }

        /// <summary>Removes all four objects, whatever fails on the way, the lock file last.</summary>
        public void Dispose()
        {
            if (!lockFile.IsClosed)
            {
                TryRemoveObjects();
                Abandon();
            }
        }

        /// <summary>
        /// Removes the segment that stands there, and its semaphores, if its reader is dead. The lock says so of one of
        /// ours, also where only the segment is shared.
        /// </summary>
        private void RemoveStale()
        {
            for (;;)
            {
                FileDescriptor file;
                try
                {
                    file = SystemCalls.Open(names.SegmentPath, Libc.O_RDWR | Libc.O_NONBLOCK);
                }
                catch (ErrnoException error) when (error.Errno == Libc.ENOENT)
                {
                    return;
                }

                using (file)
                {
                    var facts = SystemCalls.FactsOf(file);
                    var block = OursAt(file, facts);
                    var presence = new Presence(file);
                    if (!presence.TryHold(Presence.Removal)
                        || presence.IsHeld(Presence.Reader)
                        || (block.Reserved.Released == 0 && Processes.OwnerLives(block.ReaderPid, MadeAt(facts))))
                    {
                        throw new BufferInUseException(names.Buffer, block.ReaderPid);
                    }

                    if (SystemCalls.IsAt(file, null, names.SegmentPath))
                    {
                        // The segment last: nobody else makes semaphores as long as its name stands.
                        RemoveSemaphores();
                        SystemCalls.Succeeds(Libc.unlink(names.SegmentPath), Libc.ENOENT);
                        return;
                    }
                }
            }
        }

        /// <summary>
        /// The control block of a file: all zero where its creator has died before. Anything else belongs to another
        /// program, and is refused.
        /// </summary>
        private ControlBlock OursAt(FileDescriptor file, Libc.FileFacts facts)
        {
            var start = facts.IsRegular ? SystemCalls.ReadStart(file, (int)Layout.OiebSize) : new byte[] { 1 };
            var isControl = ControlBlock.IsIn(start, out var block);
            for (long at = 0; !isControl && start.Length > 0; start = SystemCalls.ReadStart(file, Chunk, at))
            {
                if (!Array.TrueForAll(start, value => value == 0))
                {
                    throw new InvalidOiebException(
                        names.Buffer, "oieb_size", block.OiebSize, (ulong)Layout.OiebSize);
                }

                at += start.Length;
            }

            return block;
        }

        /// <summary>When a segment was made, at the latest, in seconds since the epoch.</summary>
        private static double MadeAt(Libc.FileFacts facts)
        {
            return facts.ModifiedSeconds + facts.ModifiedNanoseconds / 1e9;
        }

        /// <summary>
        /// Makes the segment, whose name is the ownership, before anything else of its name is touched.
        /// </summary>
        private Segment CreateObjects()
        {
            var operation = $"create a segment of {config.SegmentSize} bytes";
            var file = Named(operation, names.SegmentPath, CreateSegment);
            try
            {
                RemoveSemaphores();
                var data = CreateSemaphore(names.DataSemaphore);
                var space = CreateSemaphore(names.SpaceSemaphore);
                return Named(operation, names.SegmentPath, () => Fill(file, data, space));
            }
            catch
            {
                TryRemoveObjects();
                file.Dispose();
                throw;
            }
        }

        /// <summary>A process that is faster, or takes it for a stale one, has the name.</summary>
        private FileDescriptor CreateSegment()
        {
            FileDescriptor file = null;
            try
            {
                file = SystemCalls.Open(names.SegmentPath, Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL, config.Mode);
                var presence = new Presence(file);
                if (presence.TryHold(Presence.Reader)
                    && !presence.IsHeld(Presence.Removal)
                    && (segmentFacts = SystemCalls.FactsOf(file)).Links != 0)
                {
                    SystemCalls.Check(Libc.fchmod(file.Number, config.Mode));
                    return file;
                }
            }
            catch (ErrnoException error) when (error.Errno == Libc.EEXIST)
            {
                // As below.
            }

            file?.Dispose();
            throw new BufferInUseException(names.Buffer, 0);
        }

        private Segment Fill(FileDescriptor file, NamedSemaphore data, NamedSemaphore space)
        {
            // Address space is asked for before memory: the latter takes time.
            using (new Mapping(file, config.SegmentSize, false))
            {
                SystemCalls.Reserve(file, config.SegmentSize);
            }

            using (var control = new Mapping(file, Layout.OiebSize, true))
            {
                Ring.Format(control.Start, config, (ulong)Libc.getpid());
            }

            return Segment.Map(names.Buffer, file, config.SegmentSize, false, isData => isData ? data : space);
        }

        private NamedSemaphore CreateSemaphore(string semaphore)
        {
            var operation = "create the semaphore " + semaphore;
            return Named(
                operation, Names.SemaphorePath(semaphore), () => NamedSemaphore.Create(semaphore, config.Mode));
        }

        private void RemoveSemaphores()
        {
            SystemCalls.Succeeds(Libc.sem_unlink(names.DataSemaphore), Libc.ENOENT);
            SystemCalls.Succeeds(Libc.sem_unlink(names.SpaceSemaphore), Libc.ENOENT);
        }

        /// <summary>
        /// Removes what can be removed. A segment of another owner in this one's place stays, with its semaphores.
        /// </summary>
        private void TryRemoveObjects()
        {
            Libc.FileFacts there;
            var result = Libc.statx(
                Libc.AT_FDCWD, names.SegmentPath, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &there);
            if (result != 0 || there.IsSameFile(segmentFacts))
            {
                Libc.sem_unlink(names.DataSemaphore);
                Libc.sem_unlink(names.SpaceSemaphore);
                Libc.unlink(names.SegmentPath);
            }
        }

        private FileDescriptor Lock()
        {
            var path = names.LockPath;
            var folder = names.LockDirectory;
            using (var directory = Named("open the lock directory", folder, () => OpenLockDirectory(folder)))
            {
                var begin = Clock.Now;
                for (;;)
                {
                    var file = Named("open the lock file", path, () => OpenLockFile(directory));
                    var ours = false;
                    try
                    {
                        var locked = Named(
                            "lock the lock file", path, () => SystemCalls.TryLock(file, Libc.LOCK_EX));

                        // Its last owner removes a lock file while holding the lock: what is locked may be gone.
                        ours = locked && Named(
                            "look at the lock file", path, () => SystemCalls.IsAt(file, directory, names.LockFile));
                        if (ours)
                        {
                            // The mode of another user's file is not ours to set.
                            Libc.fchmod(file.Number, config.Mode);
                            return file;
                        }

                        if (!locked && Clock.Now - begin >= LockPatience)
                        {
                            throw new BufferInUseException(names.Buffer, ReaderPid());
                        }
                    }
                    finally
                    {
                        if (!ours)
                        {
                            file.Dispose();
                        }
                    }

                    // A living reader has it, or for a moment a process that tests it. That has no event.
                    Thread.Sleep(2);
                }
            }
        }

        /// <summary>The reader that the segment of this name says it has.</summary>
        private ulong ReaderPid()
        {
            try
            {
                using (var file = SystemCalls.Open(names.SegmentPath, Libc.O_RDONLY | Libc.O_NONBLOCK))
                {
                    return OursAt(file, SystemCalls.FactsOf(file)).ReaderPid;
                }
            }
            catch (Exception error) when (error is ErrnoException || error is InvalidOiebException)
            {
                // Its lock says enough.
                return 0;
            }
        }

        private static FileDescriptor OpenLockDirectory(string path)
        {
            for (var end = path.IndexOf('/', 1); end > 0; end = path.IndexOf('/', end + 1))
            {
                MakeDirectory(path.Substring(0, end));
            }

            if (MakeDirectory(path))
            {
                SystemCalls.Check(Libc.chmod(path, DirectoryMode));
            }

            return SystemCalls.Open(path, Libc.O_RDONLY | Libc.O_DIRECTORY);
        }

        private static bool MakeDirectory(string path)
        {
            return SystemCalls.Succeeds(Libc.mkdir(path, 0x1ff), Libc.EEXIST);
        }

        private FileDescriptor OpenLockFile(FileDescriptor directory)
        {
            for (;;)
            {
                // In two steps: with O_CREAT, Linux refuses another user's file in a sticky directory even where its
                // mode allows.
                try
                {
                    var file = SystemCalls.Open(names.LockFile, Libc.O_RDWR | Libc.O_NONBLOCK, 0, directory);
                    var facts = SystemCalls.FactsOf(file);
                    if (facts.IsRegular && facts.Links <= 1)
                    {
                        return file;
                    }

                    // A second name is that of another file, whose mode is not ours to set.
                    file.Dispose();
                    throw new ErrnoException(facts.IsRegular ? Libc.EMLINK : Libc.EINVAL);
                }
                catch (ErrnoException error) when (error.Errno == Libc.ENOENT)
                {
                    // The second step.
                }

                try
                {
                    var flags = Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL;
                    return SystemCalls.Open(names.LockFile, flags, config.Mode, directory);
                }
                catch (ErrnoException error) when (error.Errno == Libc.EEXIST)
                {
                    // Another process was faster.
                }
            }
        }

        private T Named<T>(string operation, string path, Func<T> work)
        {
            return SystemCalls.Named(names.Buffer, operation, path, work);
        }

        /// <summary>Gives up the lock and its file, and nothing else.</summary>
        private void Abandon()
        {
            Libc.unlink(names.LockPath);
            lockFile.Dispose();
        }
    }
}
