using System;
using System.Globalization;
using System.IO;

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
    /// Whether the other side of a buffer lives. One of ours does as long as its lock is held; a foreign one is known
    /// by its pid alone.
    /// </summary>
    internal sealed class Peer
    {
        // How long a side that lived is taken to live without another look.
        private const long Fresh = 200 * 1000;

        private readonly Presence presence;
        private readonly long place;
        private readonly Func<Life, bool> judge;
        private ulong watched;
        private long startTime;
        private long seenAlive;
        private Life fate;

        /// <param name="presence">Of the segment.</param>
        /// <param name="place">Of the lock.</param>
        /// <param name="judge">Whether a foreign one lives, from what a look at its process says.</param>
        public Peer(Presence presence, long place, Func<Life, bool> judge)
        {
            this.presence = presence;
            this.place = place;
            this.judge = judge;
        }

        /// <summary>The one that was looked at last; 0 before the first look.</summary>
        public ulong Pid { get; private set; }

        /// <summary>Looks at the side that has this number.</summary>
        public bool Lives(ulong number, bool isOurs)
        {
            var now = Clock.Now;
            if (number == Pid && now - seenAlive < Fresh)
            {
                return true;
            }

            var lives = presence.IsHeld(place) || (!isOurs && judge(Watch(number)));
            Pid = number;
            seenAlive = lives ? now : 0;
            return lives;
        }

        /// <summary>
        /// Its number may come back for another process: what has ended stays ended, as long as it is asked for.
        /// </summary>
        private Life Watch(ulong number)
        {
            if (number != watched)
            {
                watched = number;
                startTime = Processes.StartTime(number);
                fate = startTime != 0 ? Life.Alive : Processes.Exists(number) ? Life.Dead : Life.Unknown;
            }
            else if (fate == Life.Alive && !Processes.MayBeSame(startTime, Processes.StartTime(number)))
            {
                fate = Life.Dead;
            }

            return fate;
        }
    }

    /// <summary>What the system tells of processes.</summary>
    internal static class Processes
    {
        // Start times are given in ticks, and the wall clock is set now and then.
        private const double Slack = 1.0;
        private const int StartTimeField = 22;
        private const long Hidden = -1;

        /// <summary>
        /// Whether the process that a segment names still runs and is no younger than the segment, which was made at
        /// <paramref name="madeAt"/>: a younger one has only got its number.
        /// </summary>
        public static bool OwnerLives(ulong pid, double madeAt)
        {
            var ticks = StartTime(pid);
            return ticks == Hidden
                || (ticks != 0 && BootTime() + (double)ticks / Libc.sysconf(Libc.SC_CLK_TCK) <= madeAt + Slack);
        }

        public static bool Exists(ulong pid)
        {
            return pid != 0 && pid <= int.MaxValue && (Libc.kill((int)pid, 0) == 0 || Libc.Errno != Libc.ESRCH);
        }

        /// <summary>Whether one process may have both: a start time that is hidden proves nothing.</summary>
        public static bool MayBeSame(long before, long now)
        {
            return now == before || now == Hidden || (now != 0 && before == Hidden);
        }

        /// <summary>
        /// In ticks after the boot; 0 for a process that is gone or a zombie, -1 for one that /proc hides.
        /// </summary>
        public static long StartTime(ulong pid)
        {
            if (!Exists(pid))
            {
                return 0;
            }

            var stat = ReadText("/proc/" + pid + "/stat");
            return stat == null ? Hidden : ParseStartTime(stat);
        }

        /// <summary>Finds the start time in the text of a stat file; 0 if the process has ended.</summary>
        public static long ParseStartTime(string stat)
        {
            // The name stands in parentheses and may hold anything: fields count from the last one that closes.
            var behind = stat.Substring(stat.LastIndexOf(')') + 1);
            var fields = behind.Split(new[] { ' ' }, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < StartTimeField - 2 || fields[0] == "Z" || fields[0] == "X")
            {
                return 0;
            }

            var text = fields[StartTimeField - 3];
            return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var ticks) ? ticks : 0;
        }

        /// <summary>A whole file of /proc; null if it is not there.</summary>
        public static string ReadText(string path)
        {
            try
            {
                return File.ReadAllText(path);
            }
            catch (Exception error) when (error is IOException || error is UnauthorizedAccessException)
            {
                return null;
            }
        }

        private static double BootTime()
        {
            const string Label = "btime ";
            foreach (var line in (ReadText("/proc/stat") ?? "").Split('\n'))
            {
                var isIt = line.StartsWith(Label, StringComparison.Ordinal);
                if (isIt && long.TryParse(line.Substring(Label.Length), out var seconds))
                {
                    return seconds;
                }
            }

            return 0;
        }
    }
}
