using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace ZeroBuffer.Driver
{
    /// <summary>Writes JSON from dictionaries, sequences, strings, numbers, booleans and null.</summary>
    internal static class Json
    {
        public static string Write(object value)
        {
            var text = new StringBuilder();
            Write(value, text);
            return text.ToString();
        }

        private static void Write(object value, StringBuilder text)
        {
            var fields = value as IDictionary<string, object>;
            var items = value as IEnumerable;
            if (value == null)
            {
                text.Append("null");
            }
            else if (value is bool)
            {
                text.Append((bool)value ? "true" : "false");
            }
            else if (value is string)
            {
                WriteString((string)value, text);
            }
            else if (value is double)
            {
                WriteNumber((double)value, text);
            }
            else if (fields != null)
            {
                WriteObject(fields, text);
            }
            else if (items != null)
            {
                WriteArray(items, text);
            }
            else
            {
                text.Append(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
            }
        }

        private static void WriteNumber(double number, StringBuilder text)
        {
            if (double.IsNaN(number) || double.IsInfinity(number))
            {
                throw new ArgumentException("JSON has no such number");
            }

            var digits = number.ToString("R", CultureInfo.InvariantCulture);
            text.Append(digits);

            // A number of seconds stays one, also when it is whole.
            if (digits.IndexOfAny(new[] { '.', 'E', 'e' }) < 0)
            {
                text.Append(".0");
            }
        }

        private static void WriteObject(IDictionary<string, object> fields, StringBuilder text)
        {
            text.Append('{');
            var separator = "";
            foreach (var field in fields)
            {
                text.Append(separator);
                WriteString(field.Key, text);
                text.Append(':');
                Write(field.Value, text);
                separator = ",";
            }

            text.Append('}');
        }

        private static void WriteArray(IEnumerable items, StringBuilder text)
        {
            text.Append('[');
            var separator = "";
            foreach (var item in items)
            {
                text.Append(separator);
                Write(item, text);
                separator = ",";
            }

            text.Append(']');
        }

        /// <summary>ASCII only, so that no text can make invalid UTF-8.</summary>
        private static void WriteString(string characters, StringBuilder text)
        {
            text.Append('"');
            foreach (var letter in characters)
            {
                if (letter == '"' || letter == '\\')
                {
                    text.Append('\\').Append(letter);
                }
                else if (letter >= ' ' && letter <= '~')
                {
                    text.Append(letter);
                }
                else
                {
                    text.Append("\\u").Append(((int)letter).ToString("x4", CultureInfo.InvariantCulture));
                }
            }

            text.Append('"');
        }
    }
}
