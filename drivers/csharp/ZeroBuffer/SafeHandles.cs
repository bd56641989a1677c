using System;
using Microsoft.Win32.SafeHandles;

namespace ZeroBuffer
{
    /// <summary>A file descriptor.</summary>
    internal sealed class FileDescriptor : SafeHandleMinusOneIsInvalid
    {
        private FileDescriptor(int number)
            : base(true)
        {
            SetHandle(new IntPtr(number));
        }

        public int Number
        {
            get { return handle.ToInt32(); }
        }

        /// <summary>Owns what a call has returned.</summary>
        public static FileDescriptor Of(int result)
        {
            // Before anything else: the next call may change it.
            var errno = Libc.Errno;
            return result >= 0 ? new FileDescriptor(result) : throw new ErrnoException(errno);
        }

        protected override bool ReleaseHandle()
        {
            return Libc.close(handle.ToInt32()) == 0;
        }
    }

    /// <summary>A mapped part of a segment, from its beginning.</summary>
    /// <remarks>
    /// A mapping keeps its open file, and the locks of that: so it has one of its own, apart from that of the locks.
    /// </remarks>
    internal sealed unsafe class Mapping : SafeHandleZeroOrMinusOneIsInvalid
    {
        private readonly ulong length;

        public Mapping(FileDescriptor file, long length, bool writable)
            : base(true)
        {
            this.length = (ulong)length;
            var access = writable ? Libc.PROT_READ | Libc.PROT_WRITE : Libc.PROT_READ;
            var path = "/proc/self/fd/" + file.Number;
            using (var mapped = FileDescriptor.Of(Libc.openat(Libc.AT_FDCWD, path, Libc.O_RDWR | Libc.O_CLOEXEC, 0)))
            {
                SetHandle(new IntPtr(Libc.mmap(null, this.length, access, Libc.MAP_SHARED, mapped.Number, 0)));
                if (IsInvalid)
                {
                    throw new ErrnoException(Libc.Errno);
                }
            }
        }

        public byte* Start
        {
            get { return (byte*)handle; }
        }

        protected override bool ReleaseHandle()
        {
            return Libc.munmap(handle, length) == 0;
        }
    }

    /// <summary>A named semaphore of the C library, which the other side uses, too.</summary>
    internal sealed unsafe class NamedSemaphore : SafeHandleZeroOrMinusOneIsInvalid
    {
        // Of sem_t in glibc: the value stands in the first word, whether it is private in the third.
        private const int FileSize = 32;
        private const int SharedFlag = 128;

        private NamedSemaphore(string name, int flags, uint mode)
            : base(true)
        {
            SetHandle(Libc.sem_open(name, flags, mode, 0));
            if (IsInvalid)
            {
                throw new ErrnoException(Libc.Errno);
            }
        }

        public static NamedSemaphore Create(string name, uint mode)
        {
            var semaphore = new NamedSemaphore(name, Libc.O_CREAT | Libc.O_EXCL, mode);
            if (Libc.chmod(Names.SemaphorePath(name), mode) != 0)
            {
                var errno = Libc.Errno;
                semaphore.Dispose();
                throw new ErrnoException(errno);
            }

            return semaphore;
        }

        /// <summary>Opens one that is there; what glibc would abort on, or lies beyond the file, is refused.</summary>
        public static NamedSemaphore Open(string name)
        {
            using (var file = SystemCalls.Open(Names.SemaphorePath(name), Libc.O_RDONLY | Libc.O_NONBLOCK))
            {
                var facts = SystemCalls.FactsOf(file);
                var content = facts.IsRegular ? SystemCalls.ReadStart(file, FileSize) : new byte[0];
                var isWhole = content.Length == FileSize && facts.Size == FileSize;
                if (!isWhole || BitConverter.ToInt32(content, 0) < 0
                    || (BitConverter.ToInt32(content, 8) & ~SharedFlag) != 0)
                {
                    throw new FormatException(name + " is no semaphore");
                }
            }

            return new NamedSemaphore(name, 0, 0);
        }

        /// <summary>Posts. At its most the semaphore stays as it is: there are tokens enough then.</summary>
        public void Post()
        {
            Libc.sem_post(handle);
        }

        public bool TryTake()
        {
            while (Libc.sem_trywait(handle) != 0)
            {
                if (Libc.Errno != Libc.EINTR)
                {
                    return false;
                }
            }

            return true;
        }

        /// <summary>Waits for a token until a moment of the monotonic clock.</summary>
        public bool Take(long until)
        {
            var moment = new Libc.TimeSpec { Seconds = until / 1000000000, Nanoseconds = until % 1000000000 };
            while (Libc.sem_clockwait(handle, Libc.CLOCK_MONOTONIC, &moment) != 0)
            {
                var errno = Libc.Errno;
                if (errno == Libc.ETIMEDOUT)
                {
                    return false;
                }

                // Signals come often: the runtime stops threads with them.
                if (errno != Libc.EINTR)
                {
                    throw new ErrnoException(errno);
                }
            }

            return true;
        }

        protected override bool ReleaseHandle()
        {
            return Libc.sem_close(handle) == 0;
        }
    }
}
