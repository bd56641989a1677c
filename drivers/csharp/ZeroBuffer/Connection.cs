namespace ZeroBuffer
{
    /// <summary>A connection as it is made now: the writer's process, and the number that ours count.</summary>
    internal unsafe struct Connection
    {
        public readonly ulong Pid;
        private readonly ulong word;

        public Connection(ControlBlock* block)
        {
            // In this order: what a failed claim took back must not be found with the pid of the next one.
            word = Shared.Load(&block->Reserved.Connection);
            Pid = Shared.Load(&block->WriterPid);
        }

        public ulong Number
        {
            get { return word >> 32; }
        }

        /// <summary>Whether the writer is one of this project; a foreign one leaves the word alone.</summary>
        public bool IsOurs
        {
            get { return Pid != 0 && (uint)word == Pid; }
        }

        public static ulong Word(ulong number, ulong pid)
        {
            return (number << 32) | pid;
        }

        /// <summary>Whether it is this connection of this writer, however it ended.</summary>
        public bool IsSame(Connection other)
        {
            return Pid == other.Pid && Number == other.Number;
        }
    }
}
