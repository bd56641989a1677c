using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;

namespace ZeroBuffer.Driver
{
    /// <summary>The verbs of duplex channels.</summary>
    internal sealed unsafe class ChannelVerbs
    {
        // What waits for a server looks this often whether the driver ends.
        private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

        private readonly Handles handles;

        public ChannelVerbs(Handles handles)
        {
            this.handles = handles;
        }

        public object Serve(Params given)
        {
            return handles.Keep(new Service(new DuplexServer(given.Text("name"), given.Config())));
        }

        public object Handle(Params given)
        {
            var handler = given.Text("handler");
            var delay = given.Seconds("delay");
            handles.Get<Service>(given, "handle").Start(handler, delay);
            return null;
        }

        public object Counts(Params given)
        {
            return handles.Get<Service>(given, "handle").Counts();
        }

        public object Dial(Params given)
        {
            var name = given.Text("name");
            var config = given.Config();
            var deadline = Deadline.After(given.Timeout);
            for (;;)
            {
                try
                {
                    var wait = deadline.Left < Look ? deadline.Left : Look;
                    return handles.Keep(new DuplexClient(name, config, wait));
                }
                catch (BufferNotFoundException) when (!deadline.IsOver)
                {
                    handles.RefuseAtTheEnd();
                }
            }
        }

        public object Send(Params given)
        {
            var content = given.Payload().Whole();
            var isInPlace = given.Flag("in_place");
            var client = handles.Get<DuplexClient>(given, "handle");
            if (!isInPlace)
            {
                client.Send(content, given.Timeout);
                return null;
            }

            using (var slot = client.Acquire(content.Length, given.Timeout))
            {
                slot.Put(0, content, 0, content.Length);
                slot.Commit();
            }

            return null;
        }

        public object Receive(Params given)
        {
            using (var response = handles.Get<DuplexClient>(given, "handle").Receive(given.Timeout))
            {
                var digest = Crc32.Continue(0, response.Data.Pointer, response.Size);
                return new Dictionary<string, object> { { "size", response.Size }, { "digest", digest } };
            }
        }

        public object Ping(Params given)
        {
            var clock = new RequestClock(given.Timeout);
            var content = given.Payload().Whole();
            var count = given.Number("count");
            var client = handles.Get<DuplexClient>(given, "handle");
            var trips = new List<double>();
            for (; count > 0; count--)
            {
                var begin = Clock.Now;
                try
                {
                    client.Request(content, clock.Left).Release();
                }
                catch (ZeroBufferException error)
                {
                    throw clock.Ended(error, trips.Count, "answers");
                }

                trips.Add((Clock.Now - begin) / 1e9);
            }

            return trips;
        }

        /// <summary>A duplex server, its handler, and what the handler has met.</summary>
        private sealed class Service : IDisposable, IHasty
        {
            // A handler in the middle of its work may end it; one that would take for ever is cut short.
            private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

            private readonly ManualResetEvent ending = new ManualResetEvent(false);
            private readonly DuplexServer server;
            private long requests;
            private long refusedChanges;

            public Service(DuplexServer server)
            {
                this.server = server;
            }

            public void Start(string handler, TimeSpan delay)
            {
                RequestHandler work;
                switch (handler)
                {
                    case "echo":
                        work = request => request.Data.ToArray();
                        break;
                    case "double":
                        work = Twice;
                        break;
                    case "xor":
                        work = Complement;
                        break;
                    case "faulty":
                        work = EveryOther;
                        break;
                    default:
                        throw RpcException.Params($"'handler' must be echo, double, xor or faulty, not '{handler}'");
                }

                server.Start(
                    request =>
                    {
                        ending.WaitOne(delay);
                        Interlocked.Increment(ref requests);
                        return work(request);
                    });
            }

            public object Counts()
            {
                return new Dictionary<string, object>
                {
                    { "requests", Interlocked.Read(ref requests) },
                    { "refused_changes", Interlocked.Read(ref refusedChanges) },
                };
            }

            public void Hurry()
            {
                ending.Set();
            }

            public void Dispose()
            {
                using (new Timer(ignored => ending.Set(), null, Patience, Timeout.InfiniteTimeSpan))
                {
                    server.Close();
                }
            }

            private static byte[] Twice(Frame request)
            {
                var size = (int)request.Size;
                var response = new byte[2 * size];
                request.Data.CopyTo(0, response, 0, size);
                request.Data.CopyTo(0, response, size, size);
                return response;
            }

            private byte[] EveryOther(Frame request)
            {
                return Interlocked.Read(ref requests) % 2 == 0
                    ? request.Data.ToArray()
                    : throw new InvalidOperationException("faulty");
            }

            private byte[] Complement(Frame request)
            {
                if (RefusesChange(request))
                {
                    Interlocked.Increment(ref refusedChanges);
                }

                return Array.ConvertAll(request.Data.ToArray(), value => (byte)~value);
            }

            /// <summary>
            /// Has the kernel try to set the first byte to 0, past all that types promise: where memory is mapped
            /// without the right to write, that is an error, and no crash.
            /// </summary>
            private static bool RefusesChange(Frame request)
            {
                using (var zeroes = SystemCalls.Open("/dev/zero", Libc.O_RDONLY))
                {
                    return Libc.read(zeroes.Number, request.Data.Pointer, 1) < 0 && Libc.Errno == Host.EFAULT;
                }
            }
        }
    }

    /// <summary>Something whose end may take long, unless it is told to hurry.</summary>
    internal interface IHasty
    {
        void Hurry();
    }
}
