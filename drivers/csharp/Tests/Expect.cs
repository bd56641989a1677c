using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;

namespace ZeroBuffer.Tests
{
    internal sealed class FailureException : Exception
    {
        public FailureException(string message)
            : base(message)
        {
        }
    }

    /// <summary>What must hold.</summary>
    internal static class Expect
    {
        public static void That(bool condition, string message)
        {
            if (!condition)
            {
                throw new FailureException(message);
            }
        }

        public static void Equal<T>(T expected, T seen, string what = "value")
        {
            That(Equals(expected, seen), $"{what}: expected {expected}, saw {seen}");
        }

        public static void SameBytes(byte[] expected, byte[] seen, string what)
        {
            var at = 0;
            while (at < expected.Length && at < seen.Length && expected[at] == seen[at])
            {
                at++;
            }

            That(
                at == expected.Length && at == seen.Length,
                $"{what}: {seen.Length} bytes (expected {expected.Length}) differ from byte {at} on");
        }

        public static TException Throws<TException>(Action work)
            where TException : Exception
        {
            try
            {
                work();
            }
            catch (TException error)
            {
                return error;
            }

            throw new FailureException($"no {typeof(TException).Name} came");
        }
    }

    /// <summary>Randomness that can be repeated: ZEROBUFFER_SEED.</summary>
    internal static class Seed
    {
        public static readonly int Value = Find();

        public static void Print()
        {
            Console.WriteLine($"seed {Value} (ZEROBUFFER_SEED={Value} repeats it)");
        }

        public static Random Dice(string purpose)
        {
            var mix = Value;
            foreach (var letter in purpose)
            {
                mix = unchecked(mix * 31 + letter);
            }

            return new Random(mix);
        }

        private static int Find()
        {
            int given;
            var text = Environment.GetEnvironmentVariable("ZEROBUFFER_SEED");
            var known = int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out given);
            return known ? given : Environment.TickCount;
        }
    }

    /// <summary>Names of buffers that are this process's own, and what is left of them.</summary>
    internal static class Scratch
    {
        public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20); // no measure: what takes longer hangs
        private static int last;

        private static string Mark
        {
            get { return $"cs_{Libc.getpid()}_"; }
        }

        public static string Name()
        {
            return Mark + Interlocked.Increment(ref last).ToString(CultureInfo.InvariantCulture);
        }

        public static unsafe int Tokens(NamedSemaphore semaphore)
        {
            int value;
            Expect.Equal(0, sem_getvalue(semaphore.DangerousGetHandle(), &value));
            return value;
        }

        public static List<string> LeftBehind()
        {
            // The names of semaphores begin in another way.
            var left = new List<string>(Directory.GetFileSystemEntries("/dev/shm", "*" + Mark + "*"));
            foreach (var folder in new[] { new Names("x").LockDirectory, Path.GetTempPath() })
            {
                if (Directory.Exists(folder))
                {
                    left.AddRange(Directory.GetFileSystemEntries(folder, Mark + "*"));
                }
            }

            return left;
        }

        /// <summary>Removes what is left behind, and says what it was.</summary>
        public static List<string> Clear()
        {
            var left = LeftBehind();
            foreach (var path in left)
            {
                if (Directory.Exists(path))
                {
                    Directory.Delete(path, true);
                }
                else
                {
                    File.Delete(path);
                }
            }

            return left;
        }

        /// <summary>Byte i is i plus the shift, modulo 256.</summary>
        public static byte[] Ramp(int size, ulong shift = 0)
        {
            var bytes = new byte[size];
            for (var i = 0; i < size; i++)
            {
                bytes[i] = unchecked((byte)((ulong)i + shift));
            }

            return bytes;
        }

        [DllImport("libc.so.6")]
        private static extern unsafe int sem_getvalue(IntPtr semaphore, int* value);
    }
}
