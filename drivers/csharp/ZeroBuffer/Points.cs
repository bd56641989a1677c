using System;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>What a process does to itself at a point.</summary>
    public enum Deed
    {
        /// <summary>It is killed.</summary>
        Die,

        /// <summary>It is stopped, and goes on with the operation when it is continued from outside.</summary>
        Halt,
    }

    /// <summary>
    /// Named places inside an operation at which a test of faults has this process die or halt. Nothing happens at one
    /// unless it was armed.
    /// </summary>
    public static class Points
    {
        internal const string WriterOpened = "writer.opened";
        internal const string WriterAnnounced = "writer.announced";
        internal const string WriterPlanned = "writer.planned";
        internal const string WriterData = "writer.data";
        internal const string WriterHeader = "writer.header";
        internal const string WriterIntent = "writer.intent";
        internal const string WriterFree = "writer.free";
        internal const string WriterPosition = "writer.position";
        internal const string WriterCount = "writer.count";
        internal const string WriterCommit = "writer.commit";
        internal const string WriterPost = "writer.post";
        internal const string WriterDone = "writer.done";
        internal const string WriterMetadata = "writer.metadata";
        internal const string ReaderFormatted = "reader.formatted";
        internal const string ReaderToken = "reader.token";
        internal const string ReaderWrap = "reader.wrap";
        internal const string ReaderPosition = "reader.position";
        internal const string ReaderCount = "reader.count";
        internal const string ReaderFree = "reader.free";
        internal const string ReaderSpace = "reader.space";
        internal const string ReaderDeath = "reader.death";

        private static readonly string[] Names =
        {
            WriterOpened, WriterAnnounced, WriterPlanned, WriterData, WriterHeader, WriterIntent, WriterFree,
            WriterPosition, WriterCount, WriterCommit, WriterPost, WriterDone, WriterMetadata, ReaderFormatted,
            ReaderToken, ReaderWrap, ReaderPosition, ReaderCount, ReaderFree, ReaderSpace, ReaderDeath,
        };

        private static volatile string armed;
        private static int left;
        private static int signal;

        /// <summary>
        /// Has this process die or halt, once, when it passes a point for the <paramref name="passage"/>-th time.
        /// </summary>
        /// <returns>Whether there is such a point.</returns>
        public static bool Arm(string point, int passage, Deed deed)
        {
            var index = Array.IndexOf(Names, point);
            armed = null;
            Volatile.Write(ref left, Math.Max(1, passage));
            Volatile.Write(ref signal, deed == Deed.Halt ? Libc.SIGSTOP : Libc.SIGKILL);
            armed = index < 0 ? null : Names[index];
            return index >= 0;
        }

        internal static void Pass(string point)
        {
            // The very constant is what was armed: references are compared, not letters.
            if (ReferenceEquals(armed, point) && Interlocked.Decrement(ref left) == 0)
            {
                armed = null;

                // To this thread: where another one takes the signal, this one goes on for a moment before all stop.
                Libc.raise(Volatile.Read(ref signal));
            }
        }
    }
}
