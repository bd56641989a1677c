using System;
using System.Text;

namespace ZeroBuffer.Driver
{
    /// <summary>How the bytes of a payload are made, so that they need not travel.</summary>
    internal sealed class Recipe
    {
        /// <summary>Bytes that one payload may have.</summary>
        public const int Largest = 1 << 30;

        private readonly bool isFrame;
        private readonly byte[] text;
        private readonly ulong sequence;
        private readonly byte mask;
        private readonly int repeat;

        // Bytes that count upwards, masked: every payload of a pattern is a part of them.
        private byte[] ramp = new byte[0];

        private Recipe(bool isFrame, byte[] text, int size, ulong sequence, byte mask, int repeat)
        {
            this.isFrame = isFrame;
            this.text = text;
            this.sequence = sequence;
            this.mask = mask;
            this.repeat = repeat;
            Size = size;
        }

        /// <summary>Bytes before they are repeated.</summary>
        public int Size { get; }

        public static Recipe Of(Params given)
        {
            var pattern = given.Text("pattern");
            if (pattern != "frame" && pattern != "simple" && pattern != "text")
            {
                throw given.Unfit("pattern", "frame, simple or text");
            }

            var text = given.Has("text") || pattern == "text" ? Utf8(given) : null;
            text = pattern == "text" ? text : null;
            var mask = given.Number("mask", 0);
            if (mask > byte.MaxValue)
            {
                throw given.Unfit("mask", "one byte");
            }

            var size = text == null ? given.Size("size") : text.Length;
            var repeat = given.Size("repeat", 1);
            if ((long)size * repeat > Largest)
            {
                throw given.Unfit("repeat", $"{Largest} bytes at most, with the size");
            }

            return new Recipe(pattern == "frame", text, size, (ulong)given.Number("sequence", 0), (byte)mask, repeat);
        }

        /// <summary>The bytes; a number that the recipe leaves open is that of the frame.</summary>
        public ArraySegment<byte> Content(ulong frame)
        {
            return Content(Size, frame);
        }

        /// <summary>The same with another size.</summary>
        public ArraySegment<byte> Content(int size, ulong frame)
        {
            var once = text != null ? Masked(text) : Ramp(size, isFrame ? (sequence != 0 ? sequence : frame) : 0);
            if (repeat == 1)
            {
                return once;
            }

            var all = new byte[(long)once.Count * repeat];
            for (var number = 0; number < repeat; number++)
            {
                Buffer.BlockCopy(once.Array, once.Offset, all, number * once.Count, once.Count);
            }

            return new ArraySegment<byte>(all);
        }

        /// <summary>The bytes in an array of their own, where no frame has a number.</summary>
        public byte[] Whole()
        {
            var content = Content(0);
            var bytes = new byte[content.Count];
            Buffer.BlockCopy(content.Array, content.Offset, bytes, 0, bytes.Length);
            return bytes;
        }

        private static byte[] Utf8(Params given)
        {
            try
            {
                return new UTF8Encoding(false, true).GetBytes(given.Text("text"));
            }
            catch (EncoderFallbackException)
            {
                throw given.Unfit("text", "valid Unicode");
            }
        }

        private ArraySegment<byte> Masked(byte[] bytes)
        {
            if (mask == 0)
            {
                return new ArraySegment<byte>(bytes);
            }

            return new ArraySegment<byte>(Array.ConvertAll(bytes, value => (byte)(value ^ mask)));
        }

        private ArraySegment<byte> Ramp(int size, ulong shift)
        {
            const int Period = 256;
            if (ramp.Length < size + Period)
            {
                ramp = new byte[size + Period];
                for (var i = 0; i < Period; i++)
                {
                    ramp[i] = (byte)(i ^ mask);
                }

                for (var done = Period; done < ramp.Length; done *= 2)
                {
                    Buffer.BlockCopy(ramp, 0, ramp, done, Math.Min(done, ramp.Length - done));
                }
            }

            return new ArraySegment<byte>(ramp, (int)(shift % Period), size);
        }
    }
}
