using System.Threading;

namespace ZeroBuffer
{
    /// <summary>
    /// Becoming the writer while its lock is held: inherit from a dead one, find what is committed, announce, claim.
    /// </summary>
    internal sealed unsafe class Takeover
    {
        private const int Looks = 1000;

        private readonly Segment segment;
        private readonly Ring ring;
        private readonly ControlBlock* block;
        private readonly ulong size;

        // As they were together: no release was under way.
        private ulong released;
        private ulong position;
        private ulong free;

        public Takeover(Segment segment)
        {
            this.segment = segment;
            ring = segment.Ring;
            block = ring.Block;
            size = (ulong)ring.Size;
        }

        /// <summary>Returns where the writer stands, or null and the owner in the way: 0 if a moment is.</summary>
        public Commits Try(out ulong owner)
        {
            var before = new Connection(block);
            owner = before.Pid;
            if (owner != 0)
            {
                if (!IsDead(before))
                {
                    return null;
                }

                owner = Inherits(before) ? Shared.CompareExchange(&block->WriterPid, 0, owner) : 0;
                if (owner != before.Pid)
                {
                    return null;
                }

                owner = 0;
            }

            var committed = FindCommitted();
            if (committed == null)
            {
                return null;
            }

            var own = (ulong)Libc.getpid();
            var commits = new Commits(segment, committed.Value);
            Points.Pass(Points.WriterAnnounced);
            owner = Shared.CompareExchange(&block->WriterPid, own, 0);
            if (owner != 0)
            {
                commits.Withdraw();
                return null;
            }

            // A foreign writer may have come and gone between the look and the claim.
            if (committed != 0 && FindCommitted() != committed)
            {
                Shared.CompareExchange(&block->WriterPid, 0, own);
                commits.Leave();
                return null;
            }

            return commits;
        }

        /// <summary>What is committed; 0 if the writer has to be plain, null if it cannot be told now.</summary>
        private ulong? FindCommitted()
        {
            if (!StandsStill())
            {
                return null;
            }

            var committed = unchecked(released + size - free);
            return released != 0 && free <= size && committed % size == position ? committed : 0;
        }

        /// <summary>One of ours that lived would hold the lock. A reader that settles puts its number here.</summary>
        private bool IsDead(Connection owner)
        {
            return owner.IsOurs
                || (owner.Pid != Shared.Load(&block->ReaderPid)
                    && (owner.Pid == (ulong)Libc.getpid() || Processes.StartTime(owner.Pid) == 0));
        }

        /// <summary>Sets right what a dead owner left; false if it cannot be told now.</summary>
        private bool Inherits(Connection dead)
        {
            if (!StandsStill())
            {
                return false;
            }

            if (released == 0)
            {
                return true;
            }

            var used = dead.IsOurs
                ? unchecked(Shared.Load(&block->Reserved.Committed) - released)
                : (position + size - released % size) % size;
            if (!dead.IsOurs && used == 0)
            {
                used = free == 0 ? size : 0;
                if (used + free != size)
                {
                    // Amid a commit: the ring may be full or empty.
                    return false;
                }
            }

            // Nonsense is left alone.
            if (used <= size)
            {
                Shared.Store(&block->PayloadWritePos, unchecked(released + used) % size);
                Shared.FetchAdd(&block->PayloadFreeBytes, unchecked((long)(size - used - free)));
            }

            return true;
        }

        private bool StandsStill()
        {
            for (var look = 0; look < Looks; look++)
            {
                released = Shared.Load(&block->Reserved.Released);
                position = (ulong)ring.WritePosition();
                free = Shared.Load(&block->PayloadFreeBytes);
                if ((released & Ring.Releasing) == 0 && Shared.Load(&block->Reserved.Released) == released)
                {
                    return true;
                }

                Thread.SpinWait(10);
            }

            return false;
        }
    }
}
