using System.Threading;

namespace ZeroBuffer
{
    /// <summary>Whether a frame is there that the reader has not read.</summary>
    /// <remarks>
    /// One of ours is there once it is committed: its token only says when to look. For frames of a foreign writer
    /// tokens are the truth. No token is thrown away, and none is kept over a wait.
    /// </remarks>
    internal sealed unsafe class Intake
    {
        // For a post that comes just behind its commit.
        private const int Pauses = 300;

        private readonly Ring ring;
        private readonly NamedSemaphore data;

        // Tokens that were taken, less frames that were read: 0 at rest, or less where a dead writer has not posted.
        private long balance;

        public Intake(Ring ring, NamedSemaphore data)
        {
            this.ring = ring;
            this.data = data;
            Read = (ulong)ring.Size;
        }

        /// <summary>The bytes ever read, tails included; they begin at one ring.</summary>
        public ulong Read { get; private set; }

        private bool IsCommitted
        {
            get { return unchecked(Shared.Load(&ring.Block->Reserved.Committed) - Read - 1) < (ulong)ring.Size; }
        }

        /// <summary>Looks by tokens.</summary>
        public bool Finds()
        {
            while (data.TryTake())
            {
                if (Counts())
                {
                    return true;
                }
            }

            return false;
        }

        /// <summary>Looks by tokens and by what is committed, as is due before a sleep.</summary>
        public bool FindsAny()
        {
            if (Finds())
            {
                return true;
            }

            if (!IsCommitted)
            {
                return false;
            }

            for (var pause = 0; balance == 0 && pause < Pauses; pause++)
            {
                Thread.SpinWait(1);
                balance += data.TryTake() ? 1 : 0;
            }

            return true;
        }

        /// <summary>Sleeps until a token comes or a moment of the monotonic clock; looks if one has come.</summary>
        public bool FindsAsleep(long until)
        {
            return data.Take(until) && Counts();
        }

        /// <summary>A frame is read.</summary>
        public void Pass(Found found)
        {
            Read = unchecked(Read + (ulong)found.Bytes);
            balance--;
        }

        /// <summary>The frame that was found is refused: the next look finds it again.</summary>
        public void Refuse()
        {
            if (balance > 0)
            {
                balance--;
                data.Post();
            }
        }

        /// <summary>Sets everything straight, where the writer is dead and all it committed is read.</summary>
        public void Settle(long held)
        {
            ring.Settle(Read, held);
            while (data.TryTake())
            {
            }
        }

        /// <summary>There is neither a frame nor a living writer: what was not posted will never be.</summary>
        public void ExpectNoPost()
        {
            balance = 0;
        }

        private bool Counts()
        {
            balance++;
            return balance > 0 || IsCommitted;
        }
    }
}
