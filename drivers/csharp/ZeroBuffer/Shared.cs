using System.Threading;

namespace ZeroBuffer
{
    /// <summary>Aligned 8-byte fields in memory that another process changes at the same time.</summary>
    internal static unsafe class Shared
    {
        public static ulong Load(ulong* field)
        {
            return unchecked((ulong)Volatile.Read(ref *(long*)field));
        }

        public static void Store(ulong* field, ulong value)
        {
            Volatile.Write(ref *(long*)field, unchecked((long)value));
        }

        /// <summary>Adds atomically; returns what the field held before.</summary>
        public static ulong FetchAdd(ulong* field, long change)
        {
            return unchecked((ulong)(Interlocked.Add(ref *(long*)field, change) - change));
        }

        /// <summary>Stores a value if the field still holds the expected one; returns what it held.</summary>
        public static ulong CompareExchange(ulong* field, ulong value, ulong expected)
        {
            return unchecked((ulong)Interlocked.CompareExchange(ref *(long*)field, (long)value, (long)expected));
        }
    }
}
