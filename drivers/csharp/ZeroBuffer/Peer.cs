using System;
using System.Globalization;
using System.Text;

namespace ZeroBuffer
{
    /// <summary>What a look at a process says.</summary>
    internal enum Life
    {
        Alive,
        Dead,

        /// <summary>There was no such process when it was looked at first: dead, or in another pid namespace.</summary>
        Unknown,
    }

    /// <summary>
    /// Watches one process from the first look on, so that another one that gets its number later is not taken for it.
    /// </summary>
    internal sealed unsafe class Peer : IDisposable
    {
        // How long a process that lived is taken to live without looking again.
        private const long Fresh = 200 * 1000;

        private FileDescriptor descriptor;
        private long startTime;
        private long seenAlive;
        private Life fate;

        public ulong Pid { get; private set; }

        /// <summary>Looks at the process of this number.</summary>
        public Life Look(ulong pid)
        {
            var now = Clock.Now;
            if (pid != Pid)
            {
                Watch(pid);
            }
            else if (fate == Life.Alive && now - seenAlive < Fresh)
            {
                return Life.Alive;
            }

            // Its number may come back: what has ended stays ended.
            if (fate == Life.Alive && !IsThere())
            {
                fate = Life.Dead;
            }

            seenAlive = now;
            return fate;
        }

        /// <summary>Looks anew, as if for the first time.</summary>
        public Life LookAgain(ulong pid)
        {
            Watch(pid);
            return Look(pid);
        }

        public void Dispose()
        {
            descriptor?.Dispose();
            descriptor = null;
        }

        private void Watch(ulong pid)
        {
            Dispose();
            Pid = pid;
            startTime = 0;
            seenAlive = 0;
            fate = Life.Unknown;
            if (pid == 0 || pid > int.MaxValue)
            {
                return;
            }

            var number = Libc.PidfdOpen((int)pid);
            if (number >= 0)
            {
                descriptor = FileDescriptor.Of(number);
                fate = Life.Alive;
                return;
            }

            var errno = Libc.Errno;
            if (errno == Libc.ESRCH || errno == Libc.EINVAL)
            {
                return;
            }

            startTime = Processes.StartTime(pid);
            fate = Life.Alive;
        }

        private bool IsThere()
        {
            if (descriptor != null)
            {
                var request = new Libc.PollRequest { Descriptor = descriptor.Number, Events = Libc.POLLIN };
                return Libc.poll(&request, 1, 0) != 1;
            }

            return startTime != 0 ? Processes.StartTime(Pid) == startTime : Processes.Exists((int)Pid);
        }
    }

    /// <summary>What the system tells of processes.</summary>
    internal static unsafe class Processes
    {
        // Start times are given in ticks, and the wall clock is set now and then.
        private const double Slack = 1.0;
        private const int StartTimeField = 22;

        /// <summary>
        /// Whether the process that a segment names still runs and is no younger than the segment, which was made at
        /// <paramref name="madeAt"/>: a younger one has only got its number.
        /// </summary>
        public static bool OwnerLives(ulong pid, double madeAt)
        {
            if (pid == 0 || pid > int.MaxValue || !Exists((int)pid))
            {
                return false;
            }

            var stat = ReadText("/proc/" + pid + "/stat");
            if (stat == null)
            {
                // This /proc hides it.
                return true;
            }

            var ticks = ParseStartTime(stat);
            return ticks != 0 && BootTime() + (double)ticks / Libc.sysconf(Libc.SC_CLK_TCK) <= madeAt + Slack;
        }

        public static bool Exists(int pid)
        {
            return Libc.kill(pid, 0) == 0 || Libc.Errno != Libc.ESRCH;
        }

        /// <summary>In ticks after the boot; 0 for a process that is gone or a zombie.</summary>
        public static long StartTime(ulong pid)
        {
            return ParseStartTime(ReadText("/proc/" + pid + "/stat") ?? "");
        }

        /// <summary>Finds the start time in the text of a stat file; 0 if the process has ended.</summary>
        public static long ParseStartTime(string stat)
        {
            // The name stands in parentheses and may hold anything: fields count from the last one that closes.
            var behind = stat.Substring(stat.LastIndexOf(')') + 1);
            var fields = behind.Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries);
            long ticks;
            if (fields.Length < StartTimeField - 2 || fields[0] == "Z" || fields[0] == "X")
            {
                return 0;
            }

            var text = fields[StartTimeField - 3];
            return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ticks) ? ticks : 0;
        }

        /// <summary>A whole file of /proc; null if it is not there.</summary>
        public static string ReadText(string path)
        {
            try
            {
                using (var file = SystemCalls.Open(path, Libc.O_RDONLY))
                {
                    var text = new StringBuilder();
                    var chunk = new byte[4096];
                    fixed (byte* target = chunk)
                    {
                        long length;
                        while ((length = Libc.read(file.Number, target, (ulong)chunk.Length)) > 0)
                        {
                            text.Append(Encoding.UTF8.GetString(chunk, 0, (int)length));
                        }
                    }

                    return text.ToString();
                }
            }
            catch (ErrnoException)
            {
                return null;
            }
        }

        private static double BootTime()
        {
            const string Label = "btime ";
            foreach (var line in (ReadText("/proc/stat") ?? "").Split('\n'))
            {
                long seconds;
                var isIt = line.StartsWith(Label, StringComparison.Ordinal);
                if (isIt && long.TryParse(line.Substring(Label.Length), out seconds))
                {
                    return seconds;
                }
            }

            return 0;
        }
    }
}
