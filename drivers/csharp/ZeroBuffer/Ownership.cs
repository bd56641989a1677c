using System;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>
    /// Creating and removing the four objects of a buffer, which belong to its reader. What belongs to a living owner
    /// is never touched, what a dead one left is replaced, and a creation that fails half-way leaves nothing behind.
    /// </summary>
    internal sealed class Ownership : IDisposable
    {
        private const long LockPatience = 100 * 1000 * 1000; // for somebody who only tests it
        private const int Chunk = 1 << 20;
        private const uint DirectoryMode = 0x3ff; // 1777: everybody's locks, each removable only by its owner

        private readonly Names names;
        private readonly FileDescriptor lockFile;

        private Ownership(Names names, FileDescriptor lockFile)
        {
            this.names = names;
            this.lockFile = lockFile;
        }

        /// <summary>Creates the objects of a buffer; the segment comes back, too.</summary>
        public static Ownership Create(Names names, BufferConfig config, out Segment segment)
        {
            var ownership = new Ownership(names, Lock(names, config.Mode));
            try
            {
                segment = SystemCalls.Named(
                    names.Buffer,
                    "remove what a dead owner left",
                    names.SegmentPath,
                    () =>
                    {
                        RemoveStale(names);
                        return CreateObjects(names, config);
                    });
                return ownership;
            }
            catch
            {
                ownership.Abandon();
                throw;
            }
        }

        /// <summary>Whether somebody holds the lock: then the reader lives, whatever its number means here.</summary>
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
                TryRemoveObjects(names);
                Abandon();
            }
        }

        /// <summary>
        /// Removes the segment that stands there, and its semaphores, if its reader is dead. The lock says so of one of
        /// ours, also where only the segment is shared.
        /// </summary>
        private static void RemoveStale(Names names)
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
                    var block = OursAt(names, file, facts);
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
                        RemoveSemaphores(names);
                        SystemCalls.Unlink(names.SegmentPath);
                        return;
                    }
                }
            }
        }

        /// <summary>
        /// The control block of a file: all zero where its creator has died before. Anything else belongs to another
        /// program, and is refused.
        /// </summary>
        private static ControlBlock OursAt(Names names, FileDescriptor file, Libc.FileFacts facts)
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
            var modified = facts.ModifiedSeconds + facts.ModifiedNanoseconds / 1e9;
            var changed = facts.ChangedSeconds + facts.ChangedNanoseconds / 1e9;
            return Math.Min(modified, changed);
        }

        /// <summary>
        /// Makes the segment, whose name is the ownership, before anything else of its name is touched.
        /// </summary>
        private static Segment CreateObjects(Names names, BufferConfig config)
        {
            var path = names.SegmentPath;
            var operation = $"create a segment of {config.SegmentSize} bytes";
            var file = SystemCalls.Named(names.Buffer, operation, path, () => CreateSegment(names, config.Mode));
            try
            {
                RemoveSemaphores(names);
                var data = CreateSemaphore(names, names.DataSemaphore, config.Mode);
                var space = CreateSemaphore(names, names.SpaceSemaphore, config.Mode);
                return SystemCalls.Named(names.Buffer, operation, path, () => Fill(names, file, config, data, space));
            }
            catch
            {
                TryRemoveObjects(names);
                file.Dispose();
                throw;
            }
        }

        /// <summary>Whoever is faster, or takes it for a stale one, has the name.</summary>
        private static FileDescriptor CreateSegment(Names names, uint mode)
        {
            FileDescriptor file = null;
            try
            {
                file = SystemCalls.Open(names.SegmentPath, Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL, mode);
                var presence = new Presence(file);
                if (presence.TryHold(Presence.Reader)
                    && !presence.IsHeld(Presence.Removal)
                    && SystemCalls.FactsOf(file).Links != 0)
                {
                    SystemCalls.Check(Libc.fchmod(file.Number, mode));
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

        private static unsafe Segment Fill(
            Names names, FileDescriptor file, BufferConfig config, NamedSemaphore data, NamedSemaphore space)
        {
            // Address space is asked for before memory: the latter takes time.
            SystemCalls.Check(Libc.ftruncate(file.Number, config.SegmentSize));
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

        private static NamedSemaphore CreateSemaphore(Names names, string semaphore, uint mode)
        {
            var path = Names.SemaphorePath(semaphore);
            return SystemCalls.Named(
                names.Buffer, "create the semaphore " + semaphore, path, () => NamedSemaphore.Create(semaphore, mode));
        }

        private static void RemoveSemaphores(Names names)
        {
            SystemCalls.UnlinkSemaphore(names.DataSemaphore);
            SystemCalls.UnlinkSemaphore(names.SpaceSemaphore);
        }

        /// <summary>What cannot be removed stays, for whoever may.</summary>
        private static void TryRemoveObjects(Names names)
        {
            Libc.sem_unlink(names.DataSemaphore);
            Libc.sem_unlink(names.SpaceSemaphore);
            Libc.unlink(names.SegmentPath);
        }

        private static FileDescriptor Lock(Names names, uint mode)
        {
            var path = names.LockPath;
            var folder = names.LockDirectory;
            using (var directory = SystemCalls.Named(
                names.Buffer, "open the lock directory", folder, () => OpenLockDirectory(folder)))
            {
                var begin = Clock.Now;
                for (;;)
                {
                    var file = SystemCalls.Named(
                        names.Buffer, "open the lock file", path, () => OpenLockFile(directory, names.LockFile, mode));
                    var ours = false;
                    try
                    {
                        var locked = SystemCalls.Named(
                            names.Buffer, "lock the lock file", path, () => SystemCalls.TryLock(file, Libc.LOCK_EX));

                        // Its last owner removes a lock file while holding the lock: what is locked may be gone.
                        ours = locked && SystemCalls.Named(
                            names.Buffer,
                            "look at the lock file",
                            path,
                            () => SystemCalls.IsAt(file, directory, names.LockFile));
                        if (ours)
                        {
                            // Another user's file may be lent to us: then its mode is not ours to set.
                            Libc.fchmod(file.Number, mode);
                            return file;
                        }

                        if (!locked && Clock.Now - begin >= LockPatience)
                        {
                            throw new BufferInUseException(names.Buffer, ReaderAt(names));
                        }
                    }
                    finally
                    {
                        if (!ours)
                        {
                            file.Dispose();
                        }
                    }

                    // Somebody has it: a living reader, or for a moment one who tests it. That has no event.
                    Thread.Sleep(2);
                }
            }
        }

        /// <summary>The reader that the segment of this name says it has.</summary>
        private static ulong ReaderAt(Names names)
        {
            try
            {
                using (var file = SystemCalls.Open(names.SegmentPath, Libc.O_RDONLY | Libc.O_NONBLOCK))
                {
                    return OursAt(names, file, SystemCalls.FactsOf(file)).ReaderPid;
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

        private static FileDescriptor OpenLockFile(FileDescriptor directory, string name, uint mode)
        {
            for (;;)
            {
                // In two steps: with O_CREAT, Linux refuses another user's file in a sticky directory even where its
                // mode allows.
                try
                {
                    var file = SystemCalls.Open(name, Libc.O_RDWR | Libc.O_NONBLOCK, 0, directory);
                    var facts = SystemCalls.FactsOf(file);
                    if (facts.IsRegular && facts.Links <= 1)
                    {
                        return file;
                    }

                    // By a second name it is another file, whose mode is not ours to set.
                    file.Dispose();
                    throw new ErrnoException(facts.IsRegular ? Libc.EMLINK : Libc.EINVAL);
                }
                catch (ErrnoException error) when (error.Errno == Libc.ENOENT)
                {
                    // The second step.
                }

                try
                {
                    var flags = Libc.O_RDWR | Libc.O_NONBLOCK | Libc.O_CREAT | Libc.O_EXCL;
                    return SystemCalls.Open(name, flags, mode, directory);
                }
                catch (ErrnoException error) when (error.Errno == Libc.EEXIST)
                {
                    // Somebody was faster.
                }
            }
        }

        /// <summary>Gives up the lock and its file, and nothing else.</summary>
        private void Abandon()
        {
            Libc.unlink(names.LockPath);
            lockFile.Dispose();
        }
    }
}
