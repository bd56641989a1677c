namespace ZeroBuffer.Driver
{
    /// <summary>CRC-32 (IEEE, as in zlib), eight bytes at a time.</summary>
    internal static unsafe class Crc32
    {
        private static readonly uint[] Table = MakeTable();

        public static uint Of(byte[] data)
        {
            fixed (byte* start = data)
            {
                return Continue(0, start, data.Length);
            }
        }

        /// <summary>The digest of a series that goes on with these bytes.</summary>
        public static uint Continue(uint previous, byte* data, long length)
        {
            var crc = ~previous;
            fixed (uint* table = Table)
            {
                for (; length >= 8; length -= 8, data += 8)
                {
                    var low = crc ^ *(uint*)data;
                    var high = *(uint*)(data + 4);
                    crc = table[0x700 + (low & 0xff)] ^ table[0x600 + ((low >> 8) & 0xff)]
                        ^ table[0x500 + ((low >> 16) & 0xff)] ^ table[0x400 + (low >> 24)]
                        ^ table[0x300 + (high & 0xff)] ^ table[0x200 + ((high >> 8) & 0xff)]
                        ^ table[0x100 + ((high >> 16) & 0xff)] ^ table[high >> 24];
                }

                for (; length > 0; length--, data++)
                {
                    crc = (crc >> 8) ^ table[(crc ^ *data) & 0xff];
                }
            }

            return ~crc;
        }

        private static uint[] MakeTable()
        {
            var table = new uint[8 * 256];
            for (uint number = 0; number < 256; number++)
            {
                var value = number;
                for (var bit = 0; bit < 8; bit++)
                {
                    value = (value & 1) != 0 ? 0xedb88320 ^ (value >> 1) : value >> 1;
                }

                table[number] = value;
            }

            for (var index = 256; index < table.Length; index++)
            {
                var before = table[index - 256];
                table[index] = (before >> 8) ^ table[before & 0xff];
            }

            return table;
        }
    }
}
