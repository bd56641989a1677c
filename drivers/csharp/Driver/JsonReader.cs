using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace ZeroBuffer.Driver
{
    /// <summary>Text that is no JSON.</summary>
    internal sealed class JsonException : Exception
    {
        public JsonException(string cause, int at)
            : base($"{cause} at byte {at}")
        {
        }
    }

    /// <summary>
    /// Reads JSON, strictly as RFC 8259 says. Whole numbers become <see cref="long"/> or <see cref="ulong"/>, others
    /// <see cref="double"/>.
    /// </summary>
    internal sealed class JsonReader
    {
        private const int DeepestNesting = 64;

        private readonly string text;
        private int at;
        private int depth;

        private JsonReader(string text)
        {
            this.text = text;
        }

        private char Current
        {
            get { return at < text.Length ? text[at] : '\0'; }
        }

        /// <summary>Reads one document.</summary>
        public static object Read(byte[] body)
        {
            string text;
            try
            {
                text = new UTF8Encoding(false, true).GetString(body);
            }
            catch (ArgumentException)
            {
                throw new JsonException("invalid UTF-8", 0);
            }

            var reader = new JsonReader(text);
            reader.SkipSpace();
            var value = reader.Value();
            reader.SkipSpace();
            return reader.at == text.Length ? value : throw reader.Unexpected();
        }

        private JsonException Unexpected()
        {
            return new JsonException(at < text.Length ? $"unexpected '{text[at]}'" : "unexpected end", at);
        }

        private void SkipSpace()
        {
            while (Current == ' ' || Current == '\t' || Current == '\n' || Current == '\r')
            {
                at++;
            }
        }

        private void Expect(string word)
        {
            foreach (var letter in word)
            {
                if (Current != letter)
                {
                    throw Unexpected();
                }

                at++;
            }
        }

        private object Value()
        {
            switch (Current)
            {
                case '{':
                    return Nested(Object);
                case '[':
                    return Nested(Array);
                case '"':
                    return String();
                case 't':
                    Expect("true");
                    return true;
                case 'f':
                    Expect("false");
                    return false;
                case 'n':
                    Expect("null");
                    return null;
                default:
                    return Number();
            }
        }

        private object Nested(Func<object> read)
        {
            if (++depth > DeepestNesting)
            {
                throw new JsonException($"nested deeper than {DeepestNesting} levels", at);
            }

            at++;
            SkipSpace();
            var value = read();
            depth--;
            return value;
        }

        private object Object()
        {
            var fields = new Dictionary<string, object>();
            if (Current == '}')
            {
                at++;
                return fields;
            }

            for (;;)
            {
                var name = Current == '"' ? String() : throw Unexpected();
                SkipSpace();
                Expect(":");
                SkipSpace();
                fields[name] = Value();
                SkipSpace();
                if (Current == '}')
                {
                    at++;
                    return fields;
                }

                Expect(",");
                SkipSpace();
            }
        }

        private object Array()
        {
            var items = new List<object>();
            if (Current == ']')
            {
                at++;
                return items;
            }

            for (;;)
            {
                items.Add(Value());
                SkipSpace();
                if (Current == ']')
                {
                    at++;
                    return items;
                }

                Expect(",");
                SkipSpace();
            }
        }

        private string String()
        {
            var characters = new StringBuilder();
            for (at++; Current != '"'; at++)
            {
                if (at >= text.Length || Current < ' ')
                {
                    throw Unexpected();
                }

                characters.Append(Current == '\\' ? Escaped() : Current);
            }

            at++;
            return characters.ToString();
        }

        private char Escaped()
        {
            at++;
            const string Short = "\"\\/bfnrt";
            var index = Short.IndexOf(Current);
            if (index >= 0 && at < text.Length)
            {
                return "\"\\/\b\f\n\r\t"[index];
            }

            if (Current != 'u' || at + 4 >= text.Length)
            {
                throw Unexpected();
            }

            ushort code;
            var digits = text.Substring(at + 1, 4);
            if (!ushort.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code))
            {
                throw Unexpected();
            }

            at += 4;
            return (char)code;
        }

        private object Number()
        {
            var begin = at;
            if (Current == '-')
            {
                at++;
            }

            if (Current == '0')
            {
                at++;
            }
            else
            {
                Digits();
            }

            var isWhole = true;
            if (Current == '.')
            {
                isWhole = false;
                at++;
                Digits();
            }

            if (Current == 'e' || Current == 'E')
            {
                isWhole = false;
                at++;
                if (Current == '+' || Current == '-')
                {
                    at++;
                }

                Digits();
            }

            return Parse(text.Substring(begin, at - begin), isWhole, begin);
        }

        private object Parse(string digits, bool isWhole, int begin)
        {
            const NumberStyles Style = NumberStyles.AllowLeadingSign;
            long number;
            ulong large;
            if (isWhole && long.TryParse(digits, Style, CultureInfo.InvariantCulture, out number))
            {
                return number;
            }

            if (isWhole && ulong.TryParse(digits, Style, CultureInfo.InvariantCulture, out large))
            {
                return large;
            }

            double real;
            var known = double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out real);
            return known && !double.IsInfinity(real) ? real : throw new JsonException("a number out of range", begin);
        }

        private void Digits()
        {
            if (Current < '0' || Current > '9')
            {
                throw Unexpected();
            }

            while (Current >= '0' && Current <= '9')
            {
                at++;
            }
        }
    }
}
