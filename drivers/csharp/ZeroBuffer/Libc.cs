using System;
using System.Runtime.InteropServices;

namespace ZeroBuffer
{
    /// <summary>The C library. Nothing else of ZeroBuffer calls out of managed code.</summary>
    /// <remarks>
    /// Only calls whose symbols and structures are the same on every 64-bit Linux with glibc 2.34 or newer: statx
    /// instead of stat, for instance. The few constants that differ are asked from the architecture.
    /// </remarks>
    internal static unsafe class Libc
    {
        public const int ENOENT = 2;
        public const int ESRCH = 3;
        public const int EINTR = 4;
        public const int EACCES = 13;
        public const int EPERM = 1;
        public const int EAGAIN = 11;
        public const int ENOMEM = 12;
        public const int EEXIST = 17;
        public const int EINVAL = 22;
        public const int ENFILE = 23;
        public const int EMFILE = 24;
        public const int EFBIG = 27;
        public const int ENOSPC = 28;
        public const int EMLINK = 31;
        public const int ETIMEDOUT = 110;
        public const int EDQUOT = 122;

        public const int O_RDONLY = 0;
        public const int O_RDWR = 2;
        public const int O_CREAT = 0x40;
        public const int O_EXCL = 0x80;
        public const int O_NONBLOCK = 0x800;
        public const int O_CLOEXEC = 0x80000;
        public static readonly int O_DIRECTORY = IsArm ? 0x4000 : 0x10000;
        public static readonly int O_NOFOLLOW = IsArm ? 0x8000 : 0x20000;

        public const int PROT_READ = 1;
        public const int PROT_WRITE = 2;
        public const int MAP_SHARED = 1;

        public const int LOCK_SH = 1;
        public const int LOCK_EX = 2;
        public const int LOCK_NB = 4;

        public const int F_OFD_GETLK = 36;
        public const int F_OFD_SETLK = 37;
        public const short F_WRLCK = 1;
        public const short F_UNLCK = 2;

        public const int AT_FDCWD = -100;
        public const int AT_SYMLINK_NOFOLLOW = 0x100;
        public const int AT_EMPTY_PATH = 0x1000;
        public const uint STATX_BASIC_STATS = 0x7ff;

        public const int CLOCK_MONOTONIC = 1;
        public const int SC_CLK_TCK = 2;
        public const int SIGKILL = 9;
        public const int SIGSTOP = 19;

        private const string Library = "libc.so.6";

        private static bool IsArm
        {
            get { return RuntimeInformation.ProcessArchitecture == Architecture.Arm64; }
        }

        /// <summary>What the last call left in errno; to be read at once.</summary>
        public static int Errno
        {
            get { return Marshal.GetLastWin32Error(); }
        }

        public static void RefuseOtherMachines()
        {
            if (IntPtr.Size != 8 || !BitConverter.IsLittleEndian)
            {
                throw new PlatformNotSupportedException("shared fields have 8 bytes, little-endian");
            }
        }

        public static string Describe(int errno)
        {
            return Marshal.PtrToStringAnsi(strerror(errno));
        }

        [DllImport(Library)]
        private static extern IntPtr strerror(int errno);

        [DllImport(Library, SetLastError = true)]
        public static extern int openat(int directory, string path, int flags, uint mode);

        [DllImport(Library, SetLastError = true)]
        public static extern int close(int descriptor);

        [DllImport(Library, SetLastError = true)]
        public static extern long read(int descriptor, void* target, ulong count);

        [DllImport(Library, SetLastError = true)]
        public static extern long pread(int descriptor, void* target, ulong count, long offset);

        [DllImport(Library, SetLastError = true)]
        public static extern long write(int descriptor, void* source, ulong count);

        [DllImport(Library, SetLastError = true)]
        public static extern int unlink(string path);

        [DllImport(Library, SetLastError = true)]
        public static extern int mkdir(string path, uint mode);

        [DllImport(Library, SetLastError = true)]
        public static extern int chmod(string path, uint mode);

        [DllImport(Library, SetLastError = true)]
        public static extern int fchmod(int descriptor, uint mode);

        [DllImport(Library)]
        public static extern int posix_fallocate(int descriptor, long offset, long length);

        [DllImport(Library, SetLastError = true)]
        public static extern int fstatvfs(int descriptor, FileSystemFacts* facts);

        [DllImport(Library, SetLastError = true)]
        public static extern int statx(int directory, string path, int flags, uint mask, FileFacts* facts);

        [DllImport(Library, SetLastError = true)]
        public static extern int flock(int descriptor, int operation);

        [DllImport(Library, SetLastError = true)]
        public static extern int fcntl(int descriptor, int command, RangeLock* range);

        [DllImport(Library, SetLastError = true)]
        public static extern void* mmap(void* at, ulong length, int access, int flags, int descriptor, long offset);

        [DllImport(Library, SetLastError = true)]
        public static extern int munmap(IntPtr at, ulong length);

        [DllImport(Library, SetLastError = true)]
        public static extern IntPtr sem_open(string name, int flags, uint mode, uint value);

        [DllImport(Library, SetLastError = true)]
        public static extern int sem_close(IntPtr semaphore);

        [DllImport(Library, SetLastError = true)]
        public static extern int sem_unlink(string name);

        [DllImport(Library, SetLastError = true)]
        public static extern int sem_post(IntPtr semaphore);

        [DllImport(Library, SetLastError = true)]
        public static extern int sem_trywait(IntPtr semaphore);

        [DllImport(Library, SetLastError = true)]
        public static extern int sem_clockwait(IntPtr semaphore, int clock, TimeSpec* until);

        [DllImport(Library)]
        public static extern int clock_gettime(int clock, TimeSpec* time);

        [DllImport(Library)]
        public static extern long sysconf(int name);

        [DllImport(Library, SetLastError = true)]
        public static extern int kill(int pid, int signal);

        [DllImport(Library)]
        public static extern int raise(int signal);

        [DllImport(Library)]
        public static extern int getpid();

        [DllImport(Library)]
        public static extern uint geteuid();

        [DllImport(Library)]
        public static extern IntPtr signal(int number, IntPtr handler);

        [StructLayout(LayoutKind.Sequential)]
        public struct TimeSpec
        {
            public long Seconds;
            public long Nanoseconds;
        }

        /// <summary>struct flock.</summary>
        [StructLayout(LayoutKind.Sequential)]
        public struct RangeLock
        {
            public short Kind;
            public short Whence;
            public long Start;
            public long Length;
            public int Pid;
        }

        /// <summary>struct statvfs, as far as it matters.</summary>
        [StructLayout(LayoutKind.Sequential, Size = 256)]
        public struct FileSystemFacts
        {
            public ulong BlockSize;
            public ulong FragmentSize;
            public ulong Blocks;
            public ulong FreeBlocks;
            public ulong AvailableBlocks;
        }

        /// <summary>struct statx, as far as it matters.</summary>
        [StructLayout(LayoutKind.Explicit, Size = 256)]
        public struct FileFacts
        {
            [FieldOffset(16)]
            public uint Links;

            [FieldOffset(20)]
            public uint User;

            [FieldOffset(28)]
            public ushort Mode;

            [FieldOffset(32)]
            public ulong Inode;

            [FieldOffset(40)]
            public ulong Size;

            [FieldOffset(96)]
            public long ChangedSeconds;

            [FieldOffset(104)]
            public uint ChangedNanoseconds;

            [FieldOffset(112)]
            public long ModifiedSeconds;

            [FieldOffset(120)]
            public uint ModifiedNanoseconds;

            [FieldOffset(136)]
            public uint DeviceMajor;

            [FieldOffset(140)]
            public uint DeviceMinor;

            public bool IsRegular
            {
                get { return (Mode & 0xf000) == 0x8000; }
            }

            public bool IsSameFile(FileFacts other)
            {
                return Inode == other.Inode && DeviceMajor == other.DeviceMajor && DeviceMinor == other.DeviceMinor;
            }
        }
    }
}
