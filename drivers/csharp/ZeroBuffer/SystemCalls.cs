using System;

namespace ZeroBuffer
{
    /// <summary>A call of the system that failed, before it is known which buffer it was for.</summary>
    internal sealed class ErrnoException : Exception
    {
        public ErrnoException(int errno)
            : base(Libc.Describe(errno))
        {
            Errno = errno;
        }

        public int Errno { get; }
    }

    /// <summary>
    /// Calls of the system in the form this library needs: checked, and repeated when a signal cut in.
    /// </summary>
    internal static unsafe class SystemCalls
    {
        /// <summary>Has errors of the system that come out of <paramref name="work"/> carry their cause.</summary>
        public static T Named<T>(string buffer, string operation, string path, Func<T> work)
        {
            try
            {
                return work();
            }
            catch (ErrnoException error)
            {
                throw Of(error.Errno, buffer, operation, path);
            }
        }

        public static ZeroBufferException Of(int errno, string buffer, string operation, string path)
        {
            switch (errno)
            {
                case Libc.EACCES:
                case Libc.EPERM:
                    return new PermissionDeniedException(buffer, path, errno);
                case Libc.ENOSPC:
                case Libc.EFBIG:
                case Libc.ENOMEM:
                case Libc.EMFILE:
                case Libc.ENFILE:
                case Libc.EDQUOT:
                    return new ResourceExhaustedException(buffer, operation, errno);
                default:
                    return new SystemFailureException(buffer, operation, errno);
            }
        }

        public static void Check(int result)
        {
            if (result != 0)
            {
                throw new ErrnoException(Libc.Errno);
            }
        }

        /// <summary>Whether a call succeeded; false for the one failure that is an answer, too.</summary>
        public static bool Succeeds(int result, int answer)
        {
            var errno = Libc.Errno;
            return result == 0 || (errno == answer ? false : throw new ErrnoException(errno));
        }

        /// <param name="path">A relative one begins at <paramref name="directory"/>.</param>
        public static FileDescriptor Open(string path, int flags, uint mode = 0, FileDescriptor directory = null)
        {
            flags |= Libc.O_CLOEXEC | Libc.O_NOFOLLOW;
            return FileDescriptor.Of(Libc.openat(directory?.Number ?? Libc.AT_FDCWD, path, flags, mode));
        }

        public static Libc.FileFacts FactsOf(FileDescriptor file)
        {
            Libc.FileFacts facts;
            Check(Libc.statx(file.Number, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &facts));
            return facts;
        }

        /// <summary>Whether an open file is what stands at a path, not following links.</summary>
        /// <param name="path">A relative one begins at <paramref name="directory"/>.</param>
        public static bool IsAt(FileDescriptor file, FileDescriptor directory, string path)
        {
            Libc.FileFacts facts;
            var begin = directory?.Number ?? Libc.AT_FDCWD;
            var result = Libc.statx(begin, path, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &facts);
            return Succeeds(result, Libc.ENOENT) && facts.IsSameFile(FactsOf(file));
        }

        /// <summary>Tries to lock a file as a whole.</summary>
        public static bool TryLock(FileDescriptor file, int kind)
        {
            return Succeeds(Libc.flock(file.Number, kind | Libc.LOCK_NB), Libc.EAGAIN);
        }

        /// <summary>
        /// Gives a file its length, and the memory behind it: a shortage is an error now, not a crash later.
        /// </summary>
        public static void Reserve(FileDescriptor file, long length)
        {
            Libc.FileSystemFacts room;
            Check(Libc.fstatvfs(file.Number, &room));

            // Asked first: to fill all of /dev/shm before failing would starve everybody else meanwhile.
            if (room.Blocks != 0 && (ulong)length > room.AvailableBlocks * room.FragmentSize)
            {
                throw new ErrnoException(Libc.ENOSPC);
            }

            int errno;
            do
            {
                errno = Libc.posix_fallocate(file.Number, 0, length);
            }
            while (errno == Libc.EINTR); // the runtime stops threads for its garbage collection by signals

            if (errno != 0)
            {
                throw new ErrnoException(errno);
            }
        }

        /// <summary>The first bytes of a file, or those from a place on; fewer if it is shorter.</summary>
        public static byte[] ReadStart(FileDescriptor file, int count, long from = 0)
        {
            var content = new byte[count];
            fixed (byte* target = content)
            {
                var length = Libc.pread(file.Number, target, (ulong)count, from);
                if (length < 0)
                {
                    throw new ErrnoException(Libc.Errno);
                }

                Array.Resize(ref content, (int)length);
            }

            return content;
        }
    }
}
