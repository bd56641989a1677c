using System;
using System.Collections.Generic;
using System.IO;

namespace ZeroBuffer.Driver
{
    /// <summary>The verbs about the process itself.</summary>
    internal sealed class ProcessVerbs
    {
        private readonly Dispatcher dispatcher;

        public ProcessVerbs(Dispatcher dispatcher)
        {
            this.dispatcher = dispatcher;
        }

        public object Hello(Params given)
        {
            return new Dictionary<string, object>
            {
                { "protocol", "1.0" },
                { "language", "csharp" },
                { "implementation", "zerobuffer-csharp" },
                { "version", typeof(Reader).Assembly.GetName().Version.ToString(3) },
                { "pid", Libc.getpid() },
                { "capabilities", new[] { "duplex", "linux", "points" } },
                {
                    "layout", new Dictionary<string, object>
                    {
                        { "oieb", Plain(Layout.Oieb) },
                        { "frame", Plain(Layout.Frame) },
                    }
                },
            };
        }

        public object Health(Params given)
        {
            return true;
        }

        public object Dump(Params given)
        {
            var requests = dispatcher.UnderWay().ConvertAll(
                job => (object)new Dictionary<string, object>
                {
                    { "id", job.Id },
                    { "verb", job.Verb },
                    { "seconds", job.Seconds },
                });
            return new Dictionary<string, object> { { "requests", requests }, { "threads", Threads() } };
        }

        public object Arm(Params given)
        {
            var point = given.Text("point");
            var passage = given.Size("passage");
            var deed = DeedOf(given, "then");
            return Points.Arm(point, passage, deed) ? (object)null : throw given.Unfit("point", "the name of one");
        }

        private static Deed DeedOf(Params given, string name)
        {
            switch (given.Text(name))
            {
                case "die":
                    return Deed.Die;
                case "halt":
                    return Deed.Halt;
                default:
                    throw given.Unfit(name, "die or halt");
            }
        }

        private static object Plain(StructureLayout structure)
        {
            var fields = new Dictionary<string, object>();
            foreach (var field in structure.Fields)
            {
                fields.Add(field.Key, field.Value);
            }

            return new Dictionary<string, object> { { "size", structure.Size }, { "fields", fields } };
        }

        /// <summary>
        /// The threads as the kernel sees them; that of a request carries its verb. No runtime unwinds the managed
        /// stack of another thread.
        /// </summary>
        private static object Threads()
        {
            var threads = new List<object>();
            foreach (var folder in Directory.GetDirectories("/proc/self/task"))
            {
                var name = (Processes.ReadText(folder + "/comm") ?? "").Trim();
                var state = Array.Find(
                    (Processes.ReadText(folder + "/status") ?? "").Split('\n'),
                    line => line.StartsWith("State:", StringComparison.Ordinal));
                var place = (Processes.ReadText(folder + "/wchan") ?? "").Trim();
                var call = (Processes.ReadText(folder + "/syscall") ?? "").Trim();
                threads.Add(
                    new Dictionary<string, object>
                    {
                        { "name", $"{name} ({Path.GetFileName(folder)})" },
                        { "stack", $"{state}\nwchan: {place}\nsyscall: {call}" },
                    });
            }

            return threads;
        }
    }
}
