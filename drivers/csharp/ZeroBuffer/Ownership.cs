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
        private const long LockPatience = 100 * 1000 * 1000;
        private const int ReaderPidOffset = 88;
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
                // A free lock proves nothing: one peer locks elsewhere.
                var owner = Named(names, "look at the segment that stands there", () => LivingReader(names));
                if (owner != 0)
                {
                    throw new BufferInUseException(names.Buffer, owner);
                }
            }
            catch
            {
                ownership.Abandon();
                throw;
            }

            try
            {
                Named(names, "remove what a dead owner left", () => RemoveObjects(names));
                segment = CreateObjects(names, config);
                return ownership;
            }
            catch
            {
                ownership.Dispose();
                throw;
            }
        }

        /// <summary>The reader that the segment of this name has, if it lives; else 0.</summary>
        public static ulong LivingReader(Names names)
        {
            FileDescriptor file;
            try
            {
                file = SystemCalls.Open(names.SegmentPath, Libc.O_RDONLY | Libc.O_NONBLOCK);
            }
            catch (ErrnoException error) when (error.Errno == Libc.ENOENT)
            {
                return 0;
            }

            using (file)
            {
                var facts = SystemCalls.FactsOf(file);
                var block = facts.IsRegular ? SystemCalls.ReadStart(file, (int)Layout.OiebSize) : new byte[0];
                var pid = block.Length == Layout.OiebSize ? BitConverter.ToUInt64(block, ReaderPidOffset) : 0;
                return Processes.OwnerLives(pid, MadeAt(facts)) ? pid : 0;
            }
        }

        /// <summary>When a segment was made, at the latest, in seconds since the epoch.</summary>
        public static double MadeAt(Libc.FileFacts facts)
        {
            var modified = facts.ModifiedSeconds + facts.ModifiedNanoseconds / 1e9;
            var changed = facts.ChangedSeconds + facts.ChangedNanoseconds / 1e9;
            return Math.Min(modified, changed);
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
            if (lockFile.IsClosed)
            {
                return;
            }

            try
            {
                RemoveObjects(names);
            }
            catch (ErrnoException)
            {
                // What cannot be removed stays, for whoever may.
            }

            Abandon();
        }

        private static Segment CreateObjects(Names names, BufferConfig config)
        {
            // The semaphores first: a writer that sees the segment finds everything.
            var data = CreateSemaphore(names, names.DataSemaphore, config.Mode);
            var space = Owned(() => CreateSemaphore(names, names.SpaceSemaphore, config.Mode), data);
            var path = names.SegmentPath;
            var operation = $"create a segment of {config.SegmentSize} bytes";
            var file = Owned(
                () => SystemCalls.Named(
                    names.Buffer,
                    operation,
                    path,
                    () => SystemCalls.Open(path, Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL, config.Mode)),
                data,
                space);
            return Owned(
                () => SystemCalls.Named(
                    names.Buffer,
                    operation,
                    path,
                    () =>
                    {
                        SystemCalls.Check(Libc.fchmod(file.Number, config.Mode));
                        return Fill(names, file, config, data, space);
                    }),
                data,
                space,
                file);
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

        private static T Owned<T>(Func<T> work, params IDisposable[] meanwhile)
        {
            try
            {
                return work();
            }
            catch
            {
                Array.ForEach(meanwhile, thing => thing.Dispose());
                throw;
            }
        }

        private static T Named<T>(Names names, string operation, Func<T> work)
        {
            return SystemCalls.Named(names.Buffer, operation, names.SegmentPath, work);
        }

        private static void Named(Names names, string operation, Action work)
        {
            SystemCalls.Named(names.Buffer, operation, names.SegmentPath, work);
        }

        /// <summary>
        /// The segment goes first: a writer that has opened it tells by its name whether the semaphores, too, are
        /// still those of its owner.
        /// </summary>
        private static void RemoveObjects(Names names)
        {
            ErrnoException failure = null;
            var removals = new Action[]
            {
                () => SystemCalls.Unlink(names.SegmentPath),
                () => SystemCalls.UnlinkSemaphore(names.DataSemaphore),
                () => SystemCalls.UnlinkSemaphore(names.SpaceSemaphore),
            };
            foreach (var remove in removals)
            {
                try
                {
                    remove();
                }
                catch (ErrnoException error)
                {
                    failure = failure ?? error;
                }
            }

            if (failure != null)
            {
                throw failure;
            }
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
                        ours = locked && SystemCalls.Named(
                            names.Buffer, "look at the lock file", path, () => IsAt(file, directory, names.LockFile));
                        if (ours)
                        {
                            // Another user's file may be lent to us: then its mode is not ours to set.
                            Libc.fchmod(file.Number, mode);
                            return file;
                        }

                        if (!locked)
                        {
                            RefuseUnlessIdle(names, begin);
                        }
                    }
                    finally
                    {
                        if (!ours)
                        {
                            file.Dispose();
                        }
                    }
                }
            }
        }

        /// <summary>
        /// Its last owner removes a lock file while holding the lock: what we have locked may be gone.
        /// </summary>
        private static bool IsAt(FileDescriptor file, FileDescriptor directory, string name)
        {
            var there = SystemCalls.FactsAt(directory, name);
            return there.HasValue && there.Value.IsSameFile(SystemCalls.FactsOf(file));
        }

        /// <summary>Somebody has the lock: a living reader, or for a moment one who tests it.</summary>
        private static void RefuseUnlessIdle(Names names, long begin)
        {
            ulong owner = 0;
            try
            {
                owner = LivingReader(names);
            }
            catch (ErrnoException)
            {
                // Its lock says enough.
            }

            if (owner != 0 || Clock.Now - begin >= LockPatience)
            {
                throw new BufferInUseException(names.Buffer, owner);
            }

            // There is no event for a lock that is given up.
            Thread.Sleep(2);
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
            if (Libc.mkdir(path, 0x1ff) == 0)
            {
                return true;
            }

            var errno = Libc.Errno;
            return errno == Libc.EEXIST ? false : throw new ErrnoException(errno);
        }

        private static FileDescriptor OpenLockFile(FileDescriptor directory, string name, uint mode)
        {
            for (;;)
            {
                // In two steps: with O_CREAT, Linux refuses another user's file in a sticky directory even where its
                // mode allows.
                try
                {
                    var file = SystemCalls.OpenAt(directory, name, Libc.O_RDWR | Libc.O_NONBLOCK);
                    if (SystemCalls.FactsOf(file).IsRegular)
                    {
                        return file;
                    }

                    file.Dispose();
                    throw new ErrnoException(Libc.EINVAL);
                }
                catch (ErrnoException error) when (error.Errno == Libc.ENOENT)
                {
                    // The second step.
                }

                try
                {
                    var flags = Libc.O_RDWR | Libc.O_NONBLOCK | Libc.O_CREAT | Libc.O_EXCL;
                    return SystemCalls.OpenAt(directory, name, flags, mode);
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
