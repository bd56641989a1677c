using System;
using System.Collections.Generic;

namespace ZeroBuffer.Driver
{
    /// <summary>
    /// The parameters of a request: one object, with or without a list around it. Keys that nobody asks for are
    /// ignored.
    /// </summary>
    internal sealed class Params
    {
        // What the waits of the runtime can take.
        private const double LongestSeconds = 2e6;

        private readonly Dictionary<string, object> fields;

        public Params(object given)
        {
            var list = given as List<object>;
            if (list != null && list.Count > 1)
            {
                throw RpcException.Params($"one object is expected, got {list.Count} values");
            }

            var inner = list == null ? given : list.Count == 1 ? list[0] : null;
            var isNone = list == null ? given == null : list.Count == 0;
            fields = isNone ? new Dictionary<string, object>() : inner as Dictionary<string, object>;
            if (fields == null)
            {
                throw RpcException.Params("one object is expected");
            }
        }

        /// <summary>For all that the request does.</summary>
        public TimeSpan Timeout
        {
            get { return Seconds("timeout"); }
        }

        public bool Has(string name)
        {
            return fields.ContainsKey(name);
        }

        public string Text(string name)
        {
            return Given(name) as string ?? throw Unfit(name, "a text");
        }

        public long Number(string name)
        {
            var value = Given(name);
            return value is long && (long)value >= 0 ? (long)value : throw Unfit(name, "a whole number from 0 up");
        }

        public long Number(string name, long otherwise)
        {
            return Has(name) ? Number(name) : otherwise;
        }

        public long? NumberOrNull(string name)
        {
            return Given(name) == null ? (long?)null : Number(name);
        }

        /// <summary>As many bytes, or passages, as are sensible at once.</summary>
        public int Size(string name)
        {
            var size = Number(name);
            return size <= Recipe.Largest ? (int)size : throw Unfit(name, $"{Recipe.Largest} at most");
        }

        public int Size(string name, int otherwise)
        {
            return Has(name) ? Size(name) : otherwise;
        }

        public bool Flag(string name)
        {
            var value = Given(name);
            return value is bool ? (bool)value : throw Unfit(name, "true or false");
        }

        public TimeSpan Seconds(string name)
        {
            var value = Given(name);
            double seconds;
            if (value is double)
            {
                seconds = (double)value;
            }
            else if (value is long)
            {
                seconds = (long)value;
            }
            else
            {
                throw Unfit(name, "a number of seconds");
            }

            if (seconds < 0)
            {
                throw Unfit(name, "0 seconds or more");
            }

            return TimeSpan.FromTicks((long)(Math.Min(seconds, LongestSeconds) * TimeSpan.TicksPerSecond));
        }

        public int[] Sizes(string name)
        {
            var items = Given(name) as List<object> ?? throw Unfit(name, "a list of sizes");
            return items.ConvertAll(
                item => item is long && (long)item >= 0 && (long)item <= Recipe.Largest
                    ? (int)(long)item
                    : throw Unfit(name, $"a list of whole numbers from 0 to {Recipe.Largest}")).ToArray();
        }

        public Recipe Payload()
        {
            var given = Given("payload") as Dictionary<string, object> ?? throw Unfit("payload", "a recipe");
            return Recipe.Of(new Params(given));
        }

        public BufferConfig Config()
        {
            try
            {
                return new BufferConfig(Number("metadata"), Number("payload"));
            }
            catch (ArgumentOutOfRangeException error)
            {
                throw RpcException.Params(error.Message);
            }
        }

        public RpcException Unfit(string name, string what)
        {
            return RpcException.Params($"'{name}' must be {what}");
        }

        private object Given(string name)
        {
            object value;
            return fields.TryGetValue(name, out value) ? value : throw RpcException.Params($"'{name}' is missing");
        }
    }
}
