using System;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>Becoming the writer of a buffer: open everything, check it, then claim it.</summary>
    internal static unsafe class Connecting
    {
        // For a side that is creating the buffer, connecting or leaving; and for a reader that begins, ends or settles.
        private static readonly TimeSpan CreationPatience = TimeSpan.FromSeconds(1);
        private static readonly TimeSpan ReaderPatience = TimeSpan.FromMilliseconds(50);

        /// <summary>Connects, if the process that reads is a wanted one; any other does not notice.</summary>
        public static Commits Connect(Names names, TimeSpan timeout, Func<ulong, bool> isWanted, bool anyOwner)
        {
            // Patience begins with the first refusal, however long this process was kept from trying before. The
            // longest that any refusal asked for counts: a buffer that was being created may be gone at the next look.
            var deadline = Deadline.After(timeout);
            long? refused = null;
            var patience = TimeSpan.Zero;
            for (;;)
            {
                try
                {
                    return SystemCalls.Named(
                        names.Buffer,
                        "connect to the segment",
                        names.SegmentPath,
                        () => TryConnect(names, isWanted, anyOwner));
                }
                catch (NotReadyException refusal)
                {
                    var now = Clock.Now;
                    refused = refused ?? now;
                    patience = patience > refusal.Patience ? patience : refusal.Patience;
                    var waited = TimeSpan.FromTicks((now - refused.Value) / 100);
                    if (waited >= patience && (deadline.IsOver || !refusal.MayComeLate))
                    {
                        throw refusal.InnerException;
                    }
                }

                // The protocol has no event for either.
                Thread.Sleep(1);
            }
        }

        /// <summary>Looks whether the reader of a segment lives.</summary>
        public static Peer ReaderOf(Segment segment, Names names)
        {
            // The lock file belongs to the reader that has the name.
            return new Peer(
                segment.Presence,
                Presence.Reader,
                life => segment.HasName
                    && (life == Life.Alive || (life == Life.Unknown && Ownership.IsLocked(names))));
        }

        private static Commits TryConnect(Names names, Func<ulong, bool> isWanted, bool anyOwner)
        {
            var path = names.SegmentPath;
            FileDescriptor file;
            try
            {
                file = SystemCalls.Open(path, Libc.O_RDWR | Libc.O_NONBLOCK);
            }
            catch (ErrnoException error) when (error.Errno == Libc.ENOENT)
            {
                throw new NotReadyException(new BufferNotFoundException(names.Buffer), TimeSpan.Zero, true);
            }

            Segment segment = null;
            try
            {
                var facts = SystemCalls.FactsOf(file);
                if (!anyOwner && facts.User != 0 && facts.User != Libc.geteuid())
                {
                    throw new PermissionDeniedException(names.Buffer, path, facts.User);
                }

                CheckFormatted(names, file, facts);
                Points.Pass(Points.WriterOpened);
                segment = Segment.Map(
                    names.Buffer, file, (long)facts.Size, true, isData => OpenSemaphore(names, isData));

                // An owner makes the segment first and removes it last: as long as it has its name, the semaphores that
                // were opened after it belong to it.
                if (!SystemCalls.IsAt(file, null, path))
                {
                    throw new NotReadyException(new BufferNotFoundException(names.Buffer), CreationPatience, true);
                }

                CheckReader(segment, names, isWanted);
                return Claim(segment, names);
            }
            catch
            {
                segment?.Dispose();
                file.Dispose();
                throw;
            }
        }

        /// <summary>A segment that is short, all zero or without a reader is in the middle of its creation.</summary>
        private static void CheckFormatted(Names names, FileDescriptor file, Libc.FileFacts facts)
        {
            var limit = (ulong)Layout.OiebSize;
            if (!facts.IsRegular)
            {
                throw new InvalidOiebException(names.Buffer, "length", 0, limit);
            }

            var block = SystemCalls.ReadStart(file, (int)limit);
            var isShort = facts.Size < limit;
            if (isShort || Array.TrueForAll(block, value => value == 0))
            {
                var cause = new InvalidOiebException(
                    names.Buffer, isShort ? "length" : "oieb_size", isShort ? facts.Size : 0, limit);
                throw new NotReadyException(cause, CreationPatience, false);
            }

            if (ControlBlock.IsIn(block, out var control) && control.ReaderPid == 0)
            {
                throw ReaderIsAway(names);
            }
        }

        private static Exception ReaderIsAway(Names names)
        {
            var cause = new ReaderDeadException(names.Buffer, "closed", 0);
            return new NotReadyException(cause, ReaderPatience, false);
        }

        private static NamedSemaphore OpenSemaphore(Names names, bool isData)
        {
            var semaphore = isData ? names.DataSemaphore : names.SpaceSemaphore;
            try
            {
                return NamedSemaphore.Open(semaphore);
            }
            catch (FormatException)
            {
                throw new InvalidOiebException(names.Buffer, Names.SemaphorePath(semaphore));
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

        private static void CheckReader(Segment segment, Names names, Func<ulong, bool> isWanted)
        {
            var block = segment.Ring.Block;
            var reader = Shared.Load(&block->ReaderPid);
            var lives = reader != 0 && ReaderOf(segment, names).Lives(reader, segment.Ring.ReaderIsOurs);
            if (Shared.Load(&block->ReaderPid) == 0)
            {
                // Maybe since: its lock is free then, too.
                throw ReaderIsAway(names);
            }

            var reason = !lives ? "died" : isWanted(reader) ? null : "another has come in its place";
            if (reason != null)
            {
                throw new ReaderDeadException(names.Buffer, reason, reader);
            }
        }

        /// <summary>Becomes the writer. Where that fails, the lock goes with the segment.</summary>
        private static Commits Claim(Segment segment, Names names)
        {
            var block = segment.Ring.Block;
            var owner = Shared.Load(&block->WriterPid);
            var commits = segment.Presence.TryHold(Presence.Writer)
                ? new Takeover(segment).Try(out owner)
                : null;
            if (commits != null)
            {
                return commits;
            }

            // Nobody has it for a moment only, and so has a reader that settles; but that one may have a writer, too.
            var cause = new WriterExistsException(names.Buffer, owner);
            throw owner == 0 ? new NotReadyException(cause, CreationPatience, true)
                : owner == Shared.Load(&block->ReaderPid) ? new NotReadyException(cause, ReaderPatience, false)
                : (Exception)cause;
        }

        /// <summary>A connection that cannot be made now, but may be worth another try.</summary>
        private sealed class NotReadyException : Exception
        {
            public NotReadyException(ZeroBufferException cause, TimeSpan patience, bool mayComeLate)
                : base(null, cause)
            {
                Patience = patience;
                MayComeLate = mayComeLate;
            }

            public TimeSpan Patience { get; }

            /// <summary>Whether the caller's own timeout is for this.</summary>
            public bool MayComeLate { get; }
        }
    }
}
