using System;
using System.Globalization;
using System.Text;

namespace ZeroBuffer.Driver
{
    /// <summary>
    /// Content-Length framing, without I/O: what cannot be read becomes a fault, and the next header is looked for.
    /// </summary>
    /// <remarks>
    /// The search is safe: no well-formed JSON holds a raw line break inside a string, or a header outside one. Memory
    /// grows with what has arrived, never with what was announced.
    /// </remarks>
    internal sealed class MessageDecoder
    {
        public const int LargestMessage = 16 << 20;
        private const int LargestHeader = 8 << 10;
        private const int LongestAnchor = 64;
        private const string LengthHeader = "content-length";

        private byte[] buffer = new byte[1 << 12];
        private int start;
        private int end;
        private int expected = -1;
        private bool isLost;

        public static byte[] Encode(string message)
        {
            var head = Encoding.ASCII.GetBytes($"Content-Length: {Encoding.ASCII.GetByteCount(message)}\r\n\r\n");
            var whole = new byte[head.Length + message.Length];
            head.CopyTo(whole, 0);
            Encoding.ASCII.GetBytes(message, 0, message.Length, whole, head.Length);
            return whole;
        }

        public void Feed(byte[] chunk, int count)
        {
            if (buffer.Length - end < count)
            {
                var larger = buffer;
                if (end - start + count > buffer.Length)
                {
                    larger = new byte[Math.Max(2 * buffer.Length, end - start + count)];
                }

                Buffer.BlockCopy(buffer, start, larger, 0, end - start);
                end -= start;
                start = 0;
                buffer = larger;
            }

            Buffer.BlockCopy(chunk, 0, buffer, end, count);
            end += count;
        }

        /// <summary>Takes out what is complete: either a body or a fault; false when neither is.</summary>
        public bool TryNext(out byte[] body, out string fault)
        {
            body = null;
            fault = null;
            if (isLost && !FindAnchor())
            {
                return false;
            }

            if (expected < 0)
            {
                fault = ReadHeader();
                if (fault != null)
                {
                    return true;
                }
            }

            if (expected < 0 || end - start < expected)
            {
                return false;
            }

            body = new byte[expected];
            Buffer.BlockCopy(buffer, start, body, 0, expected);
            start += expected;
            expected = -1;
            return true;
        }

        /// <summary>Reads the headers as far as they are there; says what is wrong with them, or null.</summary>
        private string ReadHeader()
        {
            while (start < end && (buffer[start] == '\r' || buffer[start] == '\n'))
            {
                start++;
            }

            long length = -1;
            for (var at = start; ;)
            {
                var newline = Array.IndexOf(buffer, (byte)'\n', at, end - at);
                if ((newline < 0 ? end : newline) - start > LargestHeader)
                {
                    return Lose(start + 1, $"no end of the headers in {LargestHeader} bytes");
                }

                if (newline < 0)
                {
                    return null;
                }

                var line = Encoding.ASCII.GetString(buffer, at, newline - at).TrimEnd('\r');
                if (line.Length == 0)
                {
                    return Begin(length, newline + 1);
                }

                var name = line.Substring(0, Math.Max(0, line.IndexOf(':'))).TrimEnd(' ', '\t').ToLowerInvariant();
                if (!IsToken(name) || (name != LengthHeader && name.EndsWith(LengthHeader, StringComparison.Ordinal)))
                {
                    // A header may follow on the same line, after the remains of a message.
                    return Lose(at, $"expected a header, got '{Excerpt(line)}'");
                }

                at = newline + 1;
                if (name == LengthHeader)
                {
                    var digits = line.Substring(line.IndexOf(':') + 1).Trim(' ', '\t');
                    long seen;
                    var known = long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out seen);
                    if (!known || (length >= 0 && length != seen))
                    {
                        return Lose(at, $"not a usable length: '{Excerpt(line)}'");
                    }

                    length = seen;
                }
            }
        }

        private string Begin(long length, int body)
        {
            if (length < 0)
            {
                return Lose(body, "headers without Content-Length");
            }

            if (length > LargestMessage)
            {
                return Lose(body, $"a message of {length} bytes is announced, {LargestMessage} are accepted");
            }

            start = body;
            expected = (int)length;
            return null;
        }

        private string Lose(int at, string cause)
        {
            start = Math.Min(at, end);
            isLost = true;
            return cause;
        }

        /// <summary>Drops everything before the next header; keeps what could be its beginning.</summary>
        private bool FindAnchor()
        {
            for (var at = start; at < end; at++)
            {
                if (IsAnchor(at))
                {
                    start = at;
                    isLost = false;
                    return true;
                }
            }

            start = Math.Max(start, end - LongestAnchor);
            return false;
        }

        private bool IsAnchor(int at)
        {
            foreach (var letter in LengthHeader)
            {
                if (at >= end || (buffer[at] | 0x20) != (letter | 0x20))
                {
                    return false;
                }

                at++;
            }

            at = SkipBlanks(at);
            if (at >= end || buffer[at] != ':')
            {
                return false;
            }

            var digits = SkipBlanks(at + 1);
            at = digits;
            while (at < end && buffer[at] >= '0' && buffer[at] <= '9')
            {
                at++;
            }

            var hasDigits = at > digits;
            at = SkipBlanks(at);
            if (at < end && buffer[at] == '\r')
            {
                at++;
            }

            return hasDigits && at < end && buffer[at] == '\n';
        }

        private int SkipBlanks(int at)
        {
            while (at < end && (buffer[at] == ' ' || buffer[at] == '\t'))
            {
                at++;
            }

            return at;
        }

        private static bool IsToken(string name)
        {
            foreach (var letter in name)
            {
                var isLetter = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
                if (!isLetter && "!#$%&'*+-.^_`|~".IndexOf(letter) < 0)
                {
                    return false;
                }
            }

            return name.Length > 0;
        }

        private static string Excerpt(string line)
        {
            return line.Length > 60 ? line.Substring(0, 60) + " …" : line;
        }
    }
}
