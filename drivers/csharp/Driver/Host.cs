using System.Runtime.InteropServices;

namespace ZeroBuffer.Driver
{
    /// <summary>What the driver asks of the C library for itself, as the process that it is.</summary>
    internal static class Host
    {
        public const int EFAULT = 14;
        public const int SIGPIPE = 13;
        public const int SIGXFSZ = 25;
        public const int CLOCK_PROCESS_CPUTIME_ID = 2;
        private const int PR_SET_PDEATHSIG = 1;
        private const string Library = "libc.so.6";

        /// <summary>Lets the process end with the one that started it.</summary>
        public static void DieWithParent()
        {
            prctl(PR_SET_PDEATHSIG, Libc.SIGKILL, 0, 0, 0);
        }

        [DllImport(Library, SetLastError = true)]
        public static extern int dup(int descriptor);

        [DllImport(Library, SetLastError = true)]
        public static extern int dup2(int descriptor, int target);

        [DllImport(Library)]
        public static extern void _exit(int status);

        [DllImport(Library, SetLastError = true)]
        private static extern int prctl(int option, ulong first, ulong second, ulong third, ulong fourth);
    }
}
