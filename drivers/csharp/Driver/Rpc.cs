using System;
using System.Collections.Generic;

namespace ZeroBuffer.Driver
{
    /// <summary>An answer that is an error of JSON-RPC.</summary>
    internal sealed class RpcException : Exception
    {
        public const int ParseError = -32700;
        public const int InvalidRequest = -32600;
        public const int MethodNotFound = -32601;
        public const int InvalidParams = -32602;
        public const int InternalError = -32603;
        private const int Refused = -32000;

        public RpcException(int code, string message)
            : base(message)
        {
            Code = code;
        }

        private RpcException(string message, Dictionary<string, object> data)
            : this(Refused, message)
        {
            Details = data;
        }

        public int Code { get; }

        public Dictionary<string, object> Details { get; }

        /// <summary>What the library refuses, by its canonical code.</summary>
        public static RpcException Of(string code, string message, IDictionary<string, object> values = null)
        {
            var details = values ?? new Dictionary<string, object>();
            var data = new Dictionary<string, object> { { "code", code }, { "details", details } };
            return new RpcException(message, data);
        }

        public static RpcException Of(ZeroBufferException error)
        {
            return Of(error.Code, error.Message, error.Values);
        }

        public static RpcException Params(string cause)
        {
            return new RpcException(InvalidParams, "Invalid params: " + cause);
        }
    }

    /// <summary>A call that wants an answer.</summary>
    internal sealed class Request
    {
        private Request(object id, string verb, object parameters)
        {
            Id = id;
            Verb = verb;
            Parameters = parameters;
        }

        public object Id { get; }

        public string Verb { get; }

        public object Parameters { get; }

        /// <summary>Reads a message; null if it wants no answer.</summary>
        /// <param name="body">The message.</param>
        /// <param name="id">Whom an error answers.</param>
        public static Request Decode(byte[] body, out object id)
        {
            id = null;
            object document;
            try
            {
                document = JsonReader.Read(body);
            }
            catch (JsonException error)
            {
                throw new RpcException(RpcException.ParseError, "Parse error: " + error.Message);
            }

            var fields = document as Dictionary<string, object>;
            if (fields == null)
            {
                throw Invalid("a message is one JSON object; batches are not supported");
            }

            object seen;
            var isCall = fields.TryGetValue("id", out seen);
            if (seen != null && !(seen is long || seen is ulong || seen is string))
            {
                throw Invalid("'id' must be a number, a string or null");
            }

            id = seen;
            object version, verb, parameters;
            fields.TryGetValue("jsonrpc", out version);
            if (!Equals(version, "2.0"))
            {
                throw Invalid("'jsonrpc' must be \"2.0\"");
            }

            if (!fields.TryGetValue("method", out verb) || !(verb is string))
            {
                throw Invalid("'method' must be a string");
            }

            fields.TryGetValue("params", out parameters);
            return isCall ? new Request(id, (string)verb, parameters) : null;
        }

        private static RpcException Invalid(string cause)
        {
            return new RpcException(RpcException.InvalidRequest, "Invalid Request: " + cause);
        }
    }

    /// <summary>Messages that go out.</summary>
    internal static class Answer
    {
        public static string Of(object id, object result)
        {
            return Of(id, "result", result);
        }

        public static string OfError(object id, RpcException failure)
        {
            var error = new Dictionary<string, object> { { "code", failure.Code }, { "message", failure.Message } };
            if (failure.Details != null)
            {
                error.Add("data", failure.Details);
            }

            return Of(id, "error", error);
        }

        private static string Of(object id, string key, object value)
        {
            return Json.Write(new Dictionary<string, object> { { "jsonrpc", "2.0" }, { "id", id }, { key, value } });
        }
    }
}
