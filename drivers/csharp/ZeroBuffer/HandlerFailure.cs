using System;
using System.Text;

namespace ZeroBuffer
{
    /// <summary>What a client of ours receives in place of a response: a mark and a text.</summary>
    internal static unsafe class HandlerFailure
    {
        // No UTF-8, and as long as the least that always fits.
        private static readonly byte[] Mark = Encoding.GetEncoding("iso-8859-1").GetBytes("\u00f5zb handler err\u00f5");

        public static byte[] Encode(string text, long most)
        {
            var content = Encoding.UTF8.GetBytes(text);
            var response = Mark;
            Array.Resize(ref response, (int)Math.Min(most, Mark.Length + content.Length));
            Array.Copy(content, 0, response, Mark.Length, response.Length - Mark.Length);
            return response;
        }

        /// <summary>The text; null if it is a response after all.</summary>
        public static string TextOf(Frame response)
        {
            for (var at = 0; at < Mark.Length; at++)
            {
                if (at >= response.Size || response.Data[at] != Mark[at])
                {
                    return null;
                }
            }

            return Encoding.UTF8.GetString(response.Data.Pointer + Mark.Length, (int)response.Size - Mark.Length);
        }
    }
}
