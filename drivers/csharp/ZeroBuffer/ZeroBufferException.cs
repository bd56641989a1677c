using System;
using System.Collections.Generic;
using System.Globalization;

namespace ZeroBuffer
{
    /// <summary>What can go wrong: one class for each cause, with a stable code and the values involved.</summary>
    public abstract class ZeroBufferException : Exception
    {
        private readonly Dictionary<string, object> values = new Dictionary<string, object>();

        internal ZeroBufferException(string code, string name, string cause, string hint)
            : base(cause + ". " + hint)
        {
            Code = code;
            values.Add("name", name ?? "");
        }

        /// <summary>The name of the cause that all implementations share.</summary>
        public string Code { get; }

        /// <summary>The values involved, by name.</summary>
        public IDictionary<string, object> Values
        {
            get { return values; }
        }

        internal static string Number(double seconds)
        {
            return seconds.ToString("0.###", CultureInfo.InvariantCulture);
        }

        internal void Add(string name, object value)
        {
            values.Add(name, value);
        }
    }
}
