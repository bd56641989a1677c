using System;
using System.Text;
using System.Threading;

namespace ZeroBuffer
{
    /// <summary>Makes the response to a request, whose bytes it may look at until it returns.</summary>
    public delegate byte[] RequestHandler(Frame request);

    /// <summary>Answers requests, one after the other, in a thread of its own.</summary>
    /// <remarks>
    /// A client that leaves is forgotten, and the next one is served. A handler that fails, or answers with nothing,
    /// costs its client a <see cref="HandlerException"/> instead of the response. A foreign client would not know it
    /// from one: its channel ends, so that it does not get another's answer.
    /// </remarks>
    public sealed class DuplexServer : IDisposable
    {
        private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(5);
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);
        private static readonly byte[] Failed = Encoding.ASCII.GetBytes("no response: the handler failed");

        private readonly object starting = new object();
        private readonly CancellationTokenSource stopping = new CancellationTokenSource();
        private readonly string responseName;
        private readonly bool anyOwner;
        private readonly Reader requests;
        private Thread thread;
        private bool isClosed;

        // Below: used by the thread alone.
        private Writer responses;

        // The client at hand has lost a response: it gets no further one.
        private bool isLost;

        /// <summary>Creates a channel; the sizes are those of the request buffer.</summary>
        /// <param name="name">Of the channel.</param>
        /// <param name="config">Of the request buffer.</param>
        /// <param name="anyOwner">Whether clients may belong to another user, who gets the responses.</param>
        public DuplexServer(string name, BufferConfig config = null, bool anyOwner = false)
        {
            Name = name;
            this.anyOwner = anyOwner;
            responseName = DuplexNames.Response(name);
            requests = new Reader(DuplexNames.Request(name), config ?? DuplexNames.DefaultConfig);
        }

        /// <summary>Name of the channel.</summary>
        public string Name { get; }

        /// <summary>Why a request was last left without its response; null if none was.</summary>
        public Exception LastError { get; private set; }

        /// <summary>Starts to answer.</summary>
        public void Start(RequestHandler handler)
        {
            lock (starting)
            {
                if (isClosed)
                {
                    throw new BufferClosedException(Name, "server");
                }

                if (thread != null)
                {
                    throw new BusyException(Name, "the server was started already");
                }

                thread = new Thread(() => Serve(handler)) { IsBackground = true, Name = "duplex" };
                thread.Start();
            }
        }

        /// <summary>
        /// Finishes the request at hand and removes the channel; a client that still waits learns of it at once.
        /// </summary>
        public void Close()
        {
            lock (starting)
            {
                if (isClosed)
                {
                    return;
                }

                isClosed = true;
            }

            stopping.Cancel();
            if (thread != null && thread != Thread.CurrentThread)
            {
                thread.Join();
            }

            requests.Close();
        }

        /// <summary>Another name for <see cref="Close"/>.</summary>
        public void Dispose()
        {
            Close();
        }

        private void Serve(RequestHandler handler)
        {
            try
            {
                while (!stopping.IsCancellationRequested)
                {
                    using (var request = NextRequest())
                    {
                        if (request != null)
                        {
                            Answer(request, handler);
                        }
                    }
                }
            }
            catch (OperationCanceledException)
            {
                // The server is closed.
            }
            catch (ZeroBufferException error)
            {
                // The request buffer is closed or corrupt: nothing that follows can be trusted.
                LastError = error;
            }

            DropClient();
        }

        private Frame NextRequest()
        {
            try
            {
                return requests.TryRead(Timeout.InfiniteTimeSpan, stopping.Token);
            }
            catch (WriterDeadException)
            {
                DropClient();

                // There is no event for the next client.
                stopping.Token.WaitHandle.WaitOne(Pause);
                return null;
            }
        }

        private void Answer(Frame request, RequestHandler handler)
        {
            if (request.Sequence == 1)
            {
                MeetClient();
            }

            if (isLost)
            {
                return;
            }

            var isMade = false;
            try
            {
                var response = handler(request) ?? Array.Empty<byte>();
                isMade = true;
                responses = responses ?? Connect(ConnectPatience);
                responses.Write(response, Timeout.InfiniteTimeSpan, stopping.Token);
            }
            catch (Exception error) when (!(error is OperationCanceledException && stopping.IsCancellationRequested))
            {
                LastError = error;
                isLost = (isMade && IsAbsence(error)) || !Tells(error);
                if (isLost)
                {
                    DropClient();
                }
            }
        }

        /// <summary>
        /// Connects before the handler takes its time: later, the response buffer may be another client's.
        /// </summary>
        private void MeetClient()
        {
            DropClient();
            isLost = requests.AuthorPid == 0;
            try
            {
                responses = isLost ? null : Connect(TimeSpan.Zero);
            }
            catch (ZeroBufferException)
            {
                // A client may show it after its first request.
            }
        }

        /// <summary>
        /// Connects to the response buffer of the client at hand, and not of one that has come after it.
        /// </summary>
        private Writer Connect(TimeSpan patience)
        {
            var deadline = Deadline.After(patience);
            for (;;)
            {
                try
                {
                    return new Writer(responseName, IsOfClient, TimeSpan.Zero, anyOwner);
                }
                catch (ZeroBufferException error) when (IsAbsence(error))
                {
                    if (deadline.IsOver || requests.AuthorPid == 0)
                    {
                        throw;
                    }

                    stopping.Token.ThrowIfCancellationRequested();
                    Thread.Sleep(1);
                }
            }
        }

        /// <summary>
        /// An author that is still connected to the request buffer while a response buffer is open made that, too.
        /// </summary>
        private bool IsOfClient(ulong responseReader)
        {
            return requests.AuthorPid == responseReader;
        }

        private static bool IsAbsence(Exception error)
        {
            return error is BufferNotFoundException || error is ReaderDeadException;
        }

        /// <summary>Sends an error in place of a response, if the client knows what it is.</summary>
        private bool Tells(Exception error)
        {
            try
            {
                responses = responses ?? Connect(ConnectPatience);
                if (responses.Ring.ReaderIsOurs)
                {
                    var failure = HandlerFailure.Encode(error.Message, Plan.AlwaysFits(responses.Ring.Size));
                    responses.Write(failure, Timeout.InfiniteTimeSpan, stopping.Token);
                    return true;
                }

                // Without a trace, a writer that came and went looks to the client like one that never came.
                if (responses.NextSequence == 1)
                {
                    responses.SetMetadata(Failed);
                }
            }
            catch (ZeroBufferException)
            {
                // No client, or no room for metadata: there is nothing else to tell it by.
            }

            return false;
        }

        private void DropClient()
        {
            responses?.Close();
            responses = null;
        }
    }

    /// <summary>Names and sizes of the two buffers of a channel.</summary>
    internal static class DuplexNames
    {
        public static BufferConfig DefaultConfig
        {
            get { return new BufferConfig(4096, 1 << 20); }
        }

        public static string Request(string channel)
        {
            return channel + "_request";
        }

        public static string Response(string channel)
        {
            return channel + "_response";
        }
    }
}
