using System;
using System.Collections.Generic;
using System.Threading;

namespace ZeroBuffer.Driver
{
    /// <summary>Performs requests on the library, each in a thread of its own.</summary>
    internal sealed class Dispatcher
    {
        // Requests wait, they do not compute: a small stack saves address space.
        private const int StackSize = 512 << 10;

        // A verb that makes or removes objects must not be cut short, however slow the machine is. It ends by itself.
        private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(10);
        private static readonly string[] Making = { "create", "serve", "dial" };

        // These may wait for another process.
        private static readonly TimeSpan OthersPatience = TimeSpan.FromMilliseconds(900);
        private static readonly string[] Awaiting = { "connect", "close" };

        private readonly Handles handles = new Handles();
        private readonly List<Job> jobs = new List<Job>();
        private readonly Dictionary<string, Func<Params, object>> verbs;
        private readonly Action<string> send;

        /// <summary>Creates a dispatcher.</summary>
        /// <param name="send">Takes an answer, from any thread.</param>
        public Dispatcher(Action<string> send)
        {
            this.send = send;
            var buffers = new BufferVerbs(handles);
            var channels = new ChannelVerbs(handles);
            var process = new ProcessVerbs(this);
            verbs = new Dictionary<string, Func<Params, object>>
            {
                { "hello", process.Hello },
                { "health", process.Health },
                { "dump", process.Dump },
                { "arm", process.Arm },
                { "create", buffers.Create },
                { "connect", buffers.Connect },
                { "close", buffers.Close },
                { "write", buffers.Write },
                { "fill", buffers.Fill },
                { "acquire", buffers.Acquire },
                { "put", buffers.Put },
                { "commit", buffers.Commit },
                { "abandon", buffers.Abandon },
                { "write_metadata", buffers.WriteMetadata },
                { "read", buffers.Read },
                { "read_many", buffers.ReadMany },
                { "relay", buffers.Relay },
                { "peek", buffers.Peek },
                { "release", buffers.Release },
                { "read_metadata", buffers.ReadMetadata },
                { "serve", channels.Serve },
                { "handle", channels.Handle },
                { "service", channels.Counts },
                { "dial", channels.Dial },
                { "send", channels.Send },
                { "receive", channels.Receive },
                { "ping", channels.Ping },
            };
        }

        /// <summary>The requests that have no answer yet, but for those that ask for them.</summary>
        public List<Job> UnderWay()
        {
            lock (jobs)
            {
                return jobs.FindAll(job => job.Verb != "dump");
            }
        }

        /// <summary>Takes a message.</summary>
        public void Take(byte[] body)
        {
            object id = null;
            try
            {
                var request = Request.Decode(body, out id);
                if (request != null)
                {
                    Begin(request);
                }
            }
            catch (RpcException error)
            {
                send(Answer.OfError(id, error));
            }
        }

        /// <summary>Closes all that is open, whatever fails on the way; blocked requests end with it.</summary>
        public void End()
        {
            var deadline = Deadline.After(EndPatience);
            var others = Deadline.After(OthersPatience);
            var all = handles.TakeAll();
            all.ForEach(thing => (thing as IHasty)?.Hurry());

            // Frames and slots come back first: a request may be writing into a slot.
            all.FindAll(thing => thing is Held).ForEach(Close);
            var ends = all.FindAll(thing => !(thing is Held)).ConvertAll(thing => NewThread(() => Close(thing)));
            ends.ForEach(thread => thread.Start());
            ends.ForEach(thread => thread.Join(deadline.LeftInMilliseconds));
            AwaitNone(Making, deadline);
            AwaitNone(Awaiting, others);
        }

        private static Thread NewThread(ThreadStart work)
        {
            return new Thread(work, StackSize) { IsBackground = true };
        }

        private static void Close(IDisposable thing)
        {
            try
            {
                thing.Dispose();
            }
            catch (Exception error)
            {
                // The rest must be closed, too.
                Console.Error.WriteLine($"driver: could not close a {thing.GetType().Name}: {error.Message}");
            }
        }

        /// <summary>Waits until no request to one of these verbs is under way.</summary>
        private void AwaitNone(string[] chosen, Deadline deadline)
        {
            lock (jobs)
            {
                while (jobs.Exists(job => Array.IndexOf(chosen, job.Verb) >= 0) && !deadline.IsOver)
                {
                    Monitor.Wait(jobs, deadline.LeftInMilliseconds);
                }
            }
        }

        private void Begin(Request request)
        {
            Func<Params, object> verb;
            if (!verbs.TryGetValue(request.Verb, out verb))
            {
                throw new RpcException(RpcException.MethodNotFound, $"there is no verb '{request.Verb}'");
            }

            var job = new Job(request);
            lock (jobs)
            {
                jobs.Add(job);
            }

            try
            {
                var thread = NewThread(() => Perform(job, verb));
                thread.Name = request.Verb;
                thread.Start();
            }
            catch (Exception error) when (error is OutOfMemoryException || error is ThreadStartException)
            {
                lock (jobs)
                {
                    jobs.Remove(job);
                }

                throw RpcException.Of("resource_exhausted", "could not start a thread: " + error.Message);
            }
        }

        private void Perform(Job job, Func<Params, object> verb)
        {
            var answer = AnswerTo(job, verb);
            lock (jobs)
            {
                jobs.Remove(job);
                Monitor.PulseAll(jobs);
            }

            send(answer);
        }

        private static string AnswerTo(Job job, Func<Params, object> verb)
        {
            try
            {
                var given = new Params(job.Parameters);

                // Every request has one, also where nothing waits.
                given.Seconds("timeout");
                return Answer.Of(job.Id, verb(given));
            }
            catch (RpcException error)
            {
                return Answer.OfError(job.Id, error);
            }
            catch (ZeroBufferException error)
            {
                return Answer.OfError(job.Id, RpcException.Of(error));
            }
            catch (OutOfMemoryException error)
            {
                return Answer.OfError(job.Id, RpcException.Of("resource_exhausted", error.Message));
            }
            catch (Exception error)
            {
                // The harness must learn of it, whatever it is.
                var message = $"{error.GetType().Name}: {error.Message}";
                return Answer.OfError(job.Id, new RpcException(RpcException.InternalError, message));
            }
        }
    }

    /// <summary>A request under way.</summary>
    internal sealed class Job
    {
        private readonly long begin = Clock.Now;

        public Job(Request request)
        {
            Id = request.Id;
            Verb = request.Verb;
            Parameters = request.Parameters;
        }

        public object Id { get; }

        public string Verb { get; }

        public object Parameters { get; }

        public double Seconds
        {
            get { return (Clock.Now - begin) / 1e9; }
        }
    }
}
