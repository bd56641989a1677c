using System;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>
    /// Named places inside an operation at which a test of faults has this process die. Nothing happens at one unless
    /// it was armed.
    /// </summary>
    public static class Points
    {
        internal const string WriterPlanned = "writer.planned";
        internal const string WriterData = "writer.data";
        internal const string WriterHeader = "writer.header";
        internal const string WriterIntent = "writer.intent";
        internal const string WriterFree = "writer.free";
        internal const string WriterCount = "writer.count";
        internal const string WriterPosition = "writer.position";
        internal const string WriterPost = "writer.post";
        internal const string WriterDone = "writer.done";
        internal const string WriterMetadata = "writer.metadata";
        internal const string ReaderToken = "reader.token";
        internal const string ReaderWrap = "reader.wrap";
        internal const string ReaderPosition = "reader.position";
        internal const string ReaderCount = "reader.count";
        internal const string ReaderFree = "reader.free";
        internal const string ReaderSpace = "reader.space";

        private static readonly string[] Names =
        {
            WriterPlanned, WriterData, WriterHeader, WriterIntent, WriterFree, WriterCount, WriterPosition,
            WriterPost, WriterDone, WriterMetadata, ReaderToken, ReaderWrap, ReaderPosition, ReaderCount, ReaderFree,
            ReaderSpace,
        };

        private static volatile string armed;
        private static int left;

        /// <summary>
        /// Has this process killed when it passes a point for the <paramref name="passage"/>-th time.
        /// </summary>
        /// <returns>Whether there is such a point.</returns>
        public static bool Arm(string point, int passage)
        {
            var index = Array.IndexOf(Names, point);
            Volatile.Write(ref left, Math.Max(1, passage));
            armed = index < 0 ? null : Names[index];
            return index >= 0;
        }

        internal static void Pass(string point)
        {
            // The very constant is what was armed: references are compared, not letters.
            if (ReferenceEquals(armed, point) && Interlocked.Decrement(ref left) == 0)
            {
                Libc.kill(Libc.getpid(), Libc.SIGKILL);
            }
        }
    }
}
