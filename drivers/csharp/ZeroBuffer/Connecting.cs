using System;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>Becoming the writer of a buffer: open everything, check it, then claim it.</summary>
    internal static unsafe class Connecting
    {
        private const int OwedLooks = 20;
        private const int SnapshotAttempts = 1000;

        // For a reader that is creating the buffer, and for one that takes back what a dead writer left.
        private static readonly TimeSpan CreationPatience = TimeSpan.FromSeconds(1);
        private static readonly TimeSpan RepairPatience = TimeSpan.FromMilliseconds(50);

        /// <summary>
        /// Connects; waits for at most <paramref name="timeout"/> for a buffer that does not exist yet.
        /// </summary>
        /// <param name="names">Of the buffer.</param>
        /// <param name="timeout">How long.</param>
        /// <param name="isWanted">Whether the process that reads it is one to connect to.</param>
        public static Segment Connect(Names names, TimeSpan timeout, Func<ulong, bool> isWanted)
        {
            // Patience begins with the first refusal, however long this process was kept from trying before. A sign
            // that somebody is creating the buffer holds also when there is nothing at the next look.
            var deadline = Deadline.After(timeout);
            long? refused = null;
            var patience = TimeSpan.Zero;
            for (;;)
            {
                try
                {
                    return TryConnect(names, isWanted);
                }
                catch (NotReadyException refusal)
                {
                    var now = Clock.Now;
                    refused = refused ?? now;
                    patience = patience > refusal.Patience ? patience : refusal.Patience;
                    var waited = TimeSpan.FromTicks((now - refused.Value) / 100);
                    if (waited >= patience && (deadline.IsOver || !refusal.MayComeLate))
                    {
                        throw refusal.Cause;
                    }
                }

                // The protocol has no event for either.
                Thread.Sleep(1);
            }
        }

        private static Segment TryConnect(Names names, Func<ulong, bool> isWanted)
        {
            var path = names.SegmentPath;
            FileDescriptor file;
            try
            {
                file = SystemCalls.Open(path, Libc.O_RDWR | Libc.O_NONBLOCK);
            }
            catch (ErrnoException error)
            {
                if (error.Errno == Libc.ENOENT)
                {
                    throw new NotReadyException(new BufferNotFoundException(names.Buffer), TimeSpan.Zero, true);
                }

                throw SystemCalls.Of(error.Errno, names.Buffer, "open the segment", path);
            }

            Segment segment;
            Libc.FileFacts facts;
            try
            {
                facts = SystemCalls.Named(names.Buffer, "look at the segment", path, () => SystemCalls.FactsOf(file));
                CheckFormatted(names, file, facts);
                Points.Pass(Points.WriterOpened);
                segment = SystemCalls.Named(
                    names.Buffer,
                    "map the segment",
                    path,
                    () => Segment.Map(
                        names.Buffer, file, (long)facts.Size, true, isData => OpenSemaphore(names, isData)));
            }
            catch
            {
                file.Dispose();
                throw;
            }

            try
            {
                CheckName(names, facts);
                CheckReader(segment, names, Ownership.MadeAt(facts), isWanted);
                Claim(segment, names);
                return segment;
            }
            catch
            {
                segment.Dispose();
                throw;
            }
        }

        /// <summary>A segment that is short or all zero is in the middle of its creation.</summary>
        private static void CheckFormatted(Names names, FileDescriptor file, Libc.FileFacts facts)
        {
            var limit = (ulong)Layout.OiebSize;
            if (facts.Size < limit)
            {
                var isShort = new InvalidOiebException(names.Buffer, "length", facts.Size, limit);
                throw new NotReadyException(isShort, CreationPatience, false);
            }

            var block = SystemCalls.Named(
                names.Buffer, "read the segment", names.SegmentPath, () => SystemCalls.ReadStart(file, (int)limit));
            if (Array.TrueForAll(block, value => value == 0))
            {
                var isEmpty = new InvalidOiebException(names.Buffer, "oieb_size", 0, limit);
                throw new NotReadyException(isEmpty, CreationPatience, false);
            }
        }

        private static NamedSemaphore OpenSemaphore(Names names, bool isData)
        {
            var semaphore = isData ? names.DataSemaphore : names.SpaceSemaphore;
            try
            {
                return NamedSemaphore.Open(semaphore);
            }
            catch (ErrnoException error)
            {
                var path = Names.SemaphorePath(semaphore);
                var cause = SystemCalls.Of(error.Errno, names.Buffer, "open the semaphore " + semaphore, path);

                // Peers make them after the segment.
                var isMissing = error.Errno == Libc.ENOENT;
                throw isMissing ? new NotReadyException(cause, CreationPatience, false) : (Exception)cause;
            }
        }

        /// <summary>
        /// An owner's objects are removed before the next owner makes its own, the segment first: as long as this one
        /// has its name, the semaphores that were opened after it are those that belong to it.
        /// </summary>
        private static void CheckName(Names names, Libc.FileFacts opened)
        {
            var path = names.SegmentPath;
            var there = SystemCalls.Named(
                names.Buffer, "look at the segment", path, () => SystemCalls.FactsAt(null, path));
            if (!there.HasValue || !there.Value.IsSameFile(opened))
            {
                throw new NotReadyException(new BufferNotFoundException(names.Buffer), CreationPatience, true);
            }
        }

        private static void CheckReader(Segment segment, Names names, double madeAt, Func<ulong, bool> isWanted)
        {
            var reader = Shared.Load(&segment.Ring.Block->ReaderPid);
            if (reader == 0)
            {
                throw new NotReadyException(new ReaderDeadException(names.Buffer, "closed", 0), RepairPatience, false);
            }

            if (!Processes.OwnerLives(reader, madeAt) && !segment.Presence.ReaderIsSeen && !Ownership.IsLocked(names))
            {
                throw new ReaderDeadException(names.Buffer, "died", reader);
            }

            if (!isWanted(reader))
            {
                throw new ReaderDeadException(names.Buffer, "another has come in its place", reader);
            }
        }

        /// <summary>Becomes the writer by compare-and-swap, from nobody or from a dead one.</summary>
        private static void Claim(Segment segment, Names names)
        {
            var block = segment.Ring.Block;
            var reader = Shared.Load(&block->ReaderPid);
            var own = (ulong)Libc.getpid();
            var owner = Shared.Load(&block->WriterPid);
            if (IsWriterAlive(segment, owner, own))
            {
                // The reader holds the claim for the moment in which it takes back what a dead writer left.
                var isRepair = owner == reader && owner != own;
                throw Exists(names, owner, isRepair);
            }

            var seen = Shared.CompareExchange(&block->WriterPid, own, owner);
            if (seen != owner)
            {
                throw Exists(names, seen, true);
            }

            segment.Presence.EnterWriter(Recovery.FirstCount(segment.Ring, segment.Data.Value));

            // A writer that left by itself owes nothing: what seems unposted is a token that the reader already holds.
            for (var owed = owner == 0 ? 0 : OwedPosts(segment); owed > 0; owed--)
            {
                segment.Data.Post();
            }
        }

        private static Exception Exists(Names names, ulong pid, bool mayEnd)
        {
            var cause = new WriterExistsException(names.Buffer, pid);
            return mayEnd ? new NotReadyException(cause, RepairPatience, false) : (Exception)cause;
        }

        private static bool IsWriterAlive(Segment segment, ulong owner, ulong own)
        {
            if (owner == 0)
            {
                return false;
            }

            // Our number without a lock is that of a dead process that had it before us, as in a restarted container.
            if (owner == own)
            {
                return segment.Presence.Writer(out _) != 0;
            }

            using (var peer = new Peer())
            {
                var life = peer.Look(owner);
                return life == Life.Alive || (life == Life.Unknown && segment.Presence.Writer(out _) != 0);
            }
        }

        /// <summary>
        /// The least of several looks: between a token and its frame, a reader makes it one too many.
        /// </summary>
        private static long OwedPosts(Segment segment)
        {
            var least = long.MaxValue;
            for (var look = 0; look < OwedLooks && least > 0; look++)
            {
                if (look > 0)
                {
                    Thread.Sleep(1);
                }

                var position = Snapshot(segment, out var pending);
                least = Math.Min(least, Recovery.Complete(segment.Ring, position, pending));
            }

            return least;
        }

        /// <summary>The reader's position, and the tokens that were left when it stood there.</summary>
        private static long Snapshot(Segment segment, out long pending)
        {
            for (var attempt = 0; ; attempt++)
            {
                pending = segment.Data.Value;
                var position = segment.Ring.ReadPosition();

                // Nobody posts while we hold the claim: an equal value means that no token was taken meanwhile.
                if (segment.Data.Value == pending || attempt == SnapshotAttempts)
                {
                    return position;
                }
            }
        }

        /// <summary>A connection that cannot be made now, but may be worth another try.</summary>
        private sealed class NotReadyException : Exception
        {
            public NotReadyException(ZeroBufferException cause, TimeSpan patience, bool mayComeLate)
                : base(cause.Message)
            {
                Cause = cause;
                Patience = patience;
                MayComeLate = mayComeLate;
            }

            public ZeroBufferException Cause { get; }

            public TimeSpan Patience { get; }

            /// <summary>Whether the caller's own timeout is for this.</summary>
            public bool MayComeLate { get; }
        }
    }
}
