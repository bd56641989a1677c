using System;
using System.IO;

namespace ZeroBuffer
{
    /// <summary>A buffer's name, and those of the four system objects that belong to it.</summary>
    internal sealed class Names
    {
        public const string LockDirectoryVariable = "ZEROBUFFER_LOCK_DIR";

        private const string SharedMemory = "/dev/shm/";
        private const string DefaultLockDirectory = "/tmp/zerobuffer";

        // The semaphore "sem-w-NAME" is a file "sem.sem-w-NAME", and a file name has 255 bytes at most.
        private const int Longest = 245;

        public Names(string buffer)
        {
            var objection = Objection(buffer);
            if (objection.Length > 0)
            {
                throw new InvalidNameException(buffer, objection, Longest);
            }

            Buffer = buffer;
        }

        public string Buffer { get; }

        public string DataSemaphore
        {
            get { return "/sem-w-" + Buffer; }
        }

        public string SpaceSemaphore
        {
            get { return "/sem-r-" + Buffer; }
        }

        public string SegmentPath
        {
            get { return SharedMemory + Buffer; }
        }

        public string LockFile
        {
            get { return Buffer + ".lock"; }
        }

        public string LockDirectory
        {
            get
            {
                var chosen = Environment.GetEnvironmentVariable(LockDirectoryVariable);
                return string.IsNullOrEmpty(chosen) ? DefaultLockDirectory : chosen;
            }
        }

        public string LockPath
        {
            get { return Path.Combine(LockDirectory, LockFile); }
        }

        public static string SemaphorePath(string semaphore)
        {
            return SharedMemory + "sem." + semaphore.Substring(1);
        }

        private static string Objection(string name)
        {
            if (string.IsNullOrEmpty(name))
            {
                return "it is empty";
            }

            if (name.StartsWith("sem.", StringComparison.Ordinal))
            {
                return "it begins like the file of a semaphore";
            }

            if (name == "." || name.Contains(".."))
            {
                return "it is '.' or holds '..'";
            }

            foreach (var letter in name)
            {
                var legal = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')
                    || (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
                if (!legal)
                {
                    return $"it holds '{letter}'";
                }
            }

            return name.Length > Longest ? $"it has {name.Length} characters" : "";
        }
    }
}
